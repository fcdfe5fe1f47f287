import type { BigIntStats } from "node:fs";

/**
 * The state of a file: another one when its bytes may be others. The time of change counts too, because who copies may
 * set the time of modification back. Without the device, whose number may be another after a restart.
 */
export const stateOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string => `${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** Which file it is, and its state. */
export const identityOf = (stats: BigIntStats): string => `${stats.dev}:${stateOf(stats)}`;
