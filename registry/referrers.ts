import type { Descriptor, ReferrerOptions } from "./registry.ts";

/** Of the referrers of a manifest those that are asked for, in byte order of their digests. */
export function selectReferrers(referrers: Iterable<Descriptor>, options: ReferrerOptions = {}): Descriptor[] {
  const { after = "" } = options;
  return [...referrers]
    .filter((referrer) => referrer.digest > after && isOfType(referrer, options))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Whether a referrer has one of the types that are asked for. */
export const isOfType = ({ artifactType = "" }: Descriptor, { artifactTypes }: ReferrerOptions): boolean =>
  artifactTypes === undefined || artifactTypes.includes(artifactType);
