"""Code that runs inside the sandbox: it sees the standard library and nothing else of ours."""
