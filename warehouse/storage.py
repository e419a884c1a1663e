"""Where the lake's Parquet files lie: a local folder or an object store, behind one small class."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from thoughtmill.schemas.errors import ConfigError, LakeError


@dataclass(frozen=True)
class Storage:
    """Files under `root`, a folder or an `s3://bucket/prefix`, named by relative paths."""

    root: str

    @property
    def local(self) -> bool:
        return "://" not in self.root

    @cached_property
    def _filesystem(self) -> tuple[fs.FileSystem, str]:
        if self.local:
            return fs.LocalFileSystem(), str(Path(self.root).absolute())
        try:
            return fs.FileSystem.from_uri(self.root)  # type: ignore[no-any-return]
        except (pa.ArrowInvalid, OSError) as exc:
            raise ConfigError(f"lake.data: {self.root!r} can't be used: {exc}") from exc

    def url(self, path: str) -> str:
        """The full path or URL of a file, as DuckDB and Ray take it."""
        base = str(Path(self.root).absolute()) if self.local else self.root.rstrip("/")
        return f"{base}/{path}"

    def write_table(self, path: str, table: pa.Table) -> None:
        """Write a Parquet file so that it is there whole or not at all.

        A local file is flushed to disk and renamed into place, so that it survives a power loss;
        an object store shows an object once its upload is complete.  Raises `LakeError` where the
        store refuses (a full disk, no rights).
        """
        filesystem, base = self._filesystem
        target = f"{base}/{path}"
        partial = f"{target}.partial" if self.local else target
        try:
            self.make_folder(path.rsplit("/", 1)[0])
            pq.write_table(table, partial, filesystem=filesystem, compression="zstd")
            if self.local:
                _settle(partial, target)
        except OSError as exc:
            if self.local:
                Path(partial).unlink(missing_ok=True)
            raise LakeError(f"can't write {target}: {exc.strerror or exc}") from exc

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a small file so that it is there whole or not at all; see `write_table`."""
        filesystem, base = self._filesystem
        target = f"{base}/{path}"
        # Two workers may write the same content at once: each has a name of its own until then.
        partial = f"{target}.{secrets.token_hex(4)}.partial" if self.local else target
        try:
            self.make_folder(path.rsplit("/", 1)[0])
            with filesystem.open_output_stream(partial) as stream:
                stream.write(data)
            if self.local:
                _settle(partial, target)
        except OSError as exc:
            if self.local:
                with suppress(OSError):
                    Path(partial).unlink()
            raise LakeError(f"can't write {target}: {exc.strerror or exc}") from exc

    def read_bytes(self, path: str) -> bytes | None:
        """The content of a small file, None where there is none.  Raises `LakeError`."""
        filesystem, base = self._filesystem
        target = f"{base}/{path}"
        try:
            with filesystem.open_input_file(target) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise LakeError(f"can't read {target}: {exc.strerror or exc}") from exc

    def files(self, folder: str = "") -> dict[str, float]:
        """Relative paths of all files below `folder`, with their modification times (epoch s)."""
        filesystem, base = self._filesystem
        selector = fs.FileSelector(f"{base}/{folder}", allow_not_found=True, recursive=True)
        return {
            info.path.removeprefix(f"{base}/"): info.mtime_ns / 1e9
            for info in filesystem.get_file_info(selector)
            if info.type == fs.FileType.File
        }

    def make_folder(self, path: str) -> None:
        """Make a folder and its parents; an object store needs none."""
        if self.local:
            _make_folder(Path(self.url(path)))

    def delete(self, path: str) -> None:
        """Delete one file."""
        filesystem, base = self._filesystem
        filesystem.delete_file(f"{base}/{path}")

    def delete_folder(self, path: str) -> None:
        """Delete a folder and all below it; a folder that is not there is fine."""
        filesystem, base = self._filesystem
        if filesystem.get_file_info(f"{base}/{path}").type == fs.FileType.Directory:
            filesystem.delete_dir(f"{base}/{path}")


def _settle(partial: str, target: str) -> None:
    """Flush a file to disk and give it its name, which is flushed too."""
    _flush(Path(partial))
    Path(partial).replace(target)
    _flush(Path(target).parent)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, and flush the names of those that are new."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _flush(one.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
