"""The warehouse's SQL on SQLite: what is allowed, functions, values."""

from __future__ import annotations

import re
import sqlite3
import time

from .state import World, uc_name
from .uc_catalog import has_privilege, is_admin, make_schema


class SqlError(Exception):
    def __init__(self, code: str, msg: str):
        super().__init__(msg)
        self.code, self.msg = code, msg


_REF = re.compile(
    r"(?<![\w.`'])((?:`[^`]+`|[A-Za-z_]\w*)\.(?:`[^`]+`|[A-Za-z_]\w*)\.(?:`[^`]+`|[A-Za-z_]\w*))(?![\w.(])"
)


def _unquote(ref: str) -> str:
    return ".".join(p.strip("`") for p in re.findall(r"`[^`]+`|[^.`]+", ref))


def _strip(sql: str) -> str:
    return re.sub(r"--[^\n]*", " ", re.sub(r"/\*.*?\*/", " ", sql, flags=re.S)).strip().rstrip(";").strip()


def execute(w: World, user, sql: str, params: list[dict], catalog: str | None, schema: str | None):
    """(columns [(name, type)], rows) or SqlError."""
    q = _strip(sql)
    low = q.lower()
    m = re.match(r"create\s+schema\s+(if\s+not\s+exists\s+)?([\w.`\-]+)$", q, re.I)
    if m:
        full = _unquote(m[2])
        if full.count(".") == 0 and catalog:
            full = f"{catalog}.{full}"
        cat, sch = uc_name(full, "schema name", 2)
        if cat not in w.catalogs:
            raise SqlError("BAD_REQUEST", f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{cat}' was not found. SQLSTATE: 42704")
        if full in w.schemas:
            if not m[1]:
                raise SqlError(
                    "BAD_REQUEST",
                    f"[SCHEMA_ALREADY_EXISTS] Cannot create schema `{sch}` because it already exists. SQLSTATE: 42P06",
                )
            return [], []
        if not has_privilege(w, user, cat, "CREATE SCHEMA"):
            raise SqlError(
                "BAD_REQUEST",
                f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have CREATE SCHEMA on Catalog '{cat}'. SQLSTATE: 42501",
            )
        make_schema(w, cat, sch, user.user_name)
        return [], []
    m = re.match(r"grant\s+([\w ,]+?)\s+on\s+(\w+)\s+([\w.`\-]+)\s+to\s+`?([^`]+?)`?$", q, re.I)
    if m:
        if not is_admin(user):
            raise SqlError("BAD_REQUEST", "[INSUFFICIENT_PERMISSIONS] Insufficient privileges. SQLSTATE: 42501")
        w.grants.setdefault((m[2].upper(), _unquote(m[3])), {}).setdefault(m[4], set()).update(
            p.strip().upper() for p in m[1].split(",")
        )
        return [], []
    m = re.match(r"show\s+schemas\s+(?:in|from)\s+([\w`\-]+)$", q, re.I)
    if m:
        cat = m[1].strip("`")
        return [("databaseName", "STRING")], [[s["name"]] for s in w.schemas.values() if s["catalog_name"] == cat]
    m = re.match(r"show\s+tables\s+(?:in|from)\s+([\w.`\-]+)$", q, re.I)
    if m:
        cat, sch = uc_name(_unquote(m[1]), "schema", 2)
        return (
            [("database", "STRING"), ("tableName", "STRING"), ("isTemporary", "BOOLEAN")],
            [[sch, t["name"], False] for t in w.tables.values() if (t["catalog_name"], t["schema_name"]) == (cat, sch)],
        )
    m = re.match(r"(?:describe|desc)(?:\s+table)?(?:\s+extended)?\s+([\w.`\-]+)$", q, re.I)
    if m:
        t = _table(w, user, _unquote(m[1]))
        return (
            [("col_name", "STRING"), ("data_type", "STRING"), ("comment", "STRING")],
            [[c["name"], c["type_text"], None] for c in t["columns"]],
        )
    if not re.match(r"(select|with)\b", low):
        raise SqlError(
            "BAD_REQUEST",
            f"[PARSE_SYNTAX_ERROR] The rig supports SELECT, WITH, CREATE SCHEMA, GRANT, SHOW and DESCRIBE; got: {q[:60]}. SQLSTATE: 42601",
        )
    q = _exploded(q)
    low = q.lower()
    for word in ("explode(", "lateral view", "qualify ", "variant_get(", "::"):
        if word in low:
            raise SqlError(
                "BAD_REQUEST", f"[UNSUPPORTED_FEATURE] The rig's SQL engine has no {word.strip()}. SQLSTATE: 0A000"
            )
    db = sqlite3.connect(":memory:")
    try:
        _functions(db)
        seen: dict[str, str] = {}

        def repl(mm):
            full = _unquote(mm[1])
            if full not in seen:
                t = _table(w, user, full)
                alias = f"t{len(seen)}"
                cols = [c["name"] for c in t["columns"]]
                db.execute(f"CREATE TABLE {alias} ({', '.join(chr(34) + c + chr(34) for c in cols)})")
                db.executemany(
                    f"INSERT INTO {alias} VALUES ({','.join('?' * len(cols))})",
                    [[row.get(c) for c in cols] for row in t["_rows"]],
                )
                seen[full] = alias
            return seen[full]

        # split on string literals so a literal never looks like a table
        parts = re.split(r"('(?:[^']|'')*')", q)
        q2 = "".join(p if i % 2 else _REF.sub(repl, p) for i, p in enumerate(parts))
        if not seen and catalog and schema:
            q2 = "".join(
                p
                if i % 2
                else re.sub(
                    r"(?i)\b(from|join)\s+([A-Za-z_]\w*)\b",
                    lambda mm: mm[1] + " " + repl(re.match(r"(.*)", f"{catalog}.{schema}.{mm[2]}")),
                    p,
                )
                for i, p in enumerate(re.split(r"('(?:[^']|'')*')", q2))
            )
        parts = re.split(r"('(?:[^']|'')*')", q2)
        q2 = "".join(p if i % 2 else _spark(p) for i, p in enumerate(parts))
        bind = {p["name"]: _bind(p) for p in params or []}
        try:
            cur = db.execute(q2, bind)
        except sqlite3.Error as e:
            msg = str(e)
            code = "UNRESOLVED_COLUMN.WITH_SUGGESTION" if "no such column" in msg else "PARSE_SYNTAX_ERROR"
            raise SqlError(
                "BAD_REQUEST", f"[{code}] {msg}. SQLSTATE: {'42703' if 'column' in msg else '42601'}"
            ) from None
        rows = [list(x) for x in cur.fetchall()]
        types: dict[str, str] = {}
        for full in seen:
            types.update({c["name"]: c["type_text"].upper() for c in w.tables[full]["columns"]})
        cols = []
        for i, dsc in enumerate(cur.description or []):
            guess = next((type(x[i]) for x in rows if x[i] is not None), str)
            cols.append((dsc[0], types.get(dsc[0], {int: "BIGINT", float: "DOUBLE"}.get(guess, "STRING"))))
        return cols, rows
    finally:
        db.close()


_EXPLODE = re.compile(
    r"\bexplode\(\s*from_json\(\s*(`?\w+`?)\s*,\s*'[^']*'\s*\)\s*\)\s+AS\s+(\w+)\s+FROM\s+([`\w.]+)", re.I
)


def _exploded(sql: str) -> str:
    """A list of structures that is kept as JSON, one row for each, and the fields of those structures."""
    for found in _EXPLODE.finditer(sql):
        column, item, table = found.groups()
        sql = sql.replace(found[0], f"each_of_them.value AS {item} FROM {table}, json_each({column}) AS each_of_them")
        sql = re.sub(rf"(?<![\w.]){item}\.([\w.]+)", rf"get_json_object({item}, '$.\1')", sql)
    return sql


def _bind(p: dict):
    v, t = p.get("value"), (p.get("type") or "STRING").upper()
    if v is None:
        return None
    return int(v) if t in ("INT", "BIGINT", "LONG", "SHORT") else float(v) if t in ("DOUBLE", "FLOAT", "DECIMAL") else v


def _spark(sql: str) -> str:
    sql = sql.replace("`", '"')
    sql = re.sub(r"(?i)\bapprox_count_distinct\(", "COUNT(DISTINCT ", sql)
    sql = re.sub(r"(?i)\bcount_if\(([^()]*(?:\([^()]*\)[^()]*)*)\)", r"SUM(CASE WHEN \1 THEN 1 ELSE 0 END)", sql)
    sql = re.sub(
        r"(?i)\bas\s+(string|bigint|timestamp)\b",
        lambda m: "AS " + {"string": "TEXT", "bigint": "INTEGER", "timestamp": "TEXT"}[m[1].lower()],
        sql,
    )
    return re.sub(r"(?i)\binterval\s+(\d+)\s+(day|hour|minute)s?", r"'\1 \2'", sql)


def _functions(db) -> None:
    import json as j

    db.create_function("get_json_object", 2, lambda d, p: _json_path(d, p))
    db.create_function(
        "date_trunc",
        2,
        lambda u, t: (
            None
            if t is None
            else {
                "DAY": t[:10] + "T00:00:00.000Z",
                "HOUR": t[:13] + ":00:00.000Z",
                "MINUTE": t[:16] + ":00.000Z",
                "MONTH": t[:7] + "-01T00:00:00.000Z",
            }.get(str(u).upper(), t)
        ),
    )
    db.create_function("to_date", 1, lambda t: None if t is None else t[:10])
    db.create_function("now", 0, lambda: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()))
    db.create_function("current_timestamp", 0, lambda: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()))
    db.create_function("size", 1, lambda d: -1 if d is None else len(j.loads(d)))
    db.create_function(
        "element_at",
        2,
        lambda d, k: None if d is None else j.loads(d).get(k) if isinstance(j.loads(d), dict) else j.loads(d)[k - 1],
    )
    db.create_function("contains", 2, lambda a, b: None if a is None or b is None else int(b in a))

    class Pct:
        def __init__(self):
            self.v, self.p = [], 0.5

        def step(self, v, p):
            if v is not None:
                self.v.append(v)
            self.p = p

        def finalize(self):
            if not self.v:
                return None
            s = sorted(self.v)
            return s[min(len(s) - 1, round(self.p * (len(s) - 1)))]

    for n in ("percentile", "percentile_approx", "approx_percentile"):
        db.create_aggregate(n, 2, Pct)


def _json_path(doc, path):
    import json as j

    try:
        v = j.loads(doc)
        for key, idx in re.findall(r"\.?([\w\-]+)|\[(\d+)\]", path.lstrip("$")):
            v = v[int(idx)] if idx else v[key]
        return v if isinstance(v, (str, type(None))) else j.dumps(v, ensure_ascii=False)
    except (ValueError, TypeError, LookupError):
        return None


def _table(w: World, user, full: str) -> dict:
    parts = full.split(".")
    t = w.tables.get(full)
    if t is None:
        q = ".".join(f"`{p}`" for p in parts)
        raise SqlError(
            "BAD_REQUEST",
            f"[TABLE_OR_VIEW_NOT_FOUND] The table or view {q} cannot be found. Verify the spelling "
            "and correctness of the schema and catalog. SQLSTATE: 42P01",
        )
    if not has_privilege(w, user, full, "SELECT", owner=t["owner"]):
        raise SqlError(
            "BAD_REQUEST",
            f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have SELECT on Table '{full}'. SQLSTATE: 42501",
        )
    return t
