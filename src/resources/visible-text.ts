/**
 * What leaves no trace on a screen or on paper: white space, what Unicode lets programs ignore, such as
 * joiners and fillers, and letters that are drawn blank.
 */
const INVISIBLE =
  /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{13441}\u{13442}\u{16fe4}\u{1d159}]*$/u;

/** Whether nobody can see any of a text. */
export function isInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}
