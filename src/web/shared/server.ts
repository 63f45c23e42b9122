/** Where the server of this page is: beside the page, under whatever path the two stand. */

/** The address of a path of the server's, such as /l/o/me. */
export function serverUrl(path: string): string {
  return new URL(`.${path}`, location.href).href;
}
