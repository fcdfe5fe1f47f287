/** How long nothing may move before a connection is cut, in ms, unless something else is asked for. */
export const STALL_LIMIT = 120_000;
