"""Arrow tables without pandas, which pyarrow imports to look at lists: from lines of JSON."""

import io

import pyarrow as pa
import pyarrow.json


def read_lines(lines: bytes, schema: pa.Schema) -> pa.Table:
    """Read lines of JSON, an object each, as a table.

    Args:
        lines: at least one; what an object does not name is null.
        schema: of the table, with all that an object names.

    Raises:
        pa.ArrowInvalid: an object names something else, or a value has another type.
    """
    return pa.json.read_json(
        io.BytesIO(lines),
        pa.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
