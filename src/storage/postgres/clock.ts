/** The clock that all replicas share. */

/** Milliseconds since 1970, in SQL. */
export const NOW_MS = `(extract(epoch from now()) * 1000)::bigint`;
