/**
 * Cuts what a select finds to about so many bytes, in the database, so that a page of the largest rows is not sent to this
 * node to be thrown away there. Used by every list that clients page through. The first row comes whatever its size.
 *
 * `select` brings its own limit, one more than is wanted.
 */

/**
 * `order` in the names of the rows' columns. `atLeast`: what of a row can be told without unpacking it, never more than it takes;
 * what is cut by that alone is not measured any closer.
 */
export function cutToBytes(select: string, order: string, bytes: number | string, atLeast = '0'): string {
  return `select * from (
      select rough.*, sum(octet_length(row_to_json(rough)::text)) over (order by "place" rows unbounded preceding) as "bytesToHere"
      from (
        select found.*, row_number() over upwards as "place", count(*) over () as "found", sum(${atLeast}) over upwards as "roughToHere"
        from (${select}) found window upwards as (order by ${order} rows unbounded preceding)
      ) rough
      where "roughToHere" <= ${bytes} or "place" = 1
    ) measured
    where "bytesToHere" <= ${bytes} or "place" = 1 order by "place"`;
}

export interface Measured {
  readonly place: number;
  readonly found: number;
  readonly roughToHere: number;
  readonly bytesToHere: number;
}

/** At most `limit` of the rows, without their measures; `hasMore`: others were found. */
export function pageOf<R extends object>(
  rows: readonly (R & Measured)[],
  limit = Number.POSITIVE_INFINITY,
): { readonly rows: R[]; readonly hasMore: boolean } {
  const page = rows.slice(0, limit).map(({ place: _, found: __, roughToHere: ___, bytesToHere: ____, ...row }) => row as unknown as R);
  return { rows: page, hasMore: (rows[0]?.found ?? 0) > page.length };
}
