/** Bytes each list beside the main one may take: it is for a person to read, and must leave the other room in a frame. */
const MAX_REMARK_BYTES = 64 * 1024;

/** As many of a list as may stand beside another in one reply. */
export function fitWithinBytes<T>(all: readonly T[]): T[] {
  let room = MAX_REMARK_BYTES;
  return all.filter((one) => {
    room -= Buffer.byteLength(JSON.stringify(one)) + 1;
    return room >= 0;
  });
}
