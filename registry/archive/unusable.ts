/** Why something in the folder is not served, in words for the person who put it there: what is wrong, what to do. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}
