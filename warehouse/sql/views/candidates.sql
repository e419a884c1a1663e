-- One row an eligible trace with its item, without what verifiers and scorers say of it: `samples`
-- adds that.  Texts and claim are those of `public_texts`.
--   tokens is what the teacher saw and wrote (the requests' tokens where the endpoint tells no ids),
--   thinking_tokens the thoughts alone.  body is all between prompt and answer: thoughts, hints, code
--   and outputs, as they followed one another; reply is the answer as it was said, answer the final
--   answer in it.
SELECT p.* EXCLUDE (provenance, segments, problem)
FROM public_texts AS p
ANTI JOIN exclusions_in_force AS e USING (trace_id)
