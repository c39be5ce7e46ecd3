import type { HubRequest } from './hub.ts';

/**
 * How an answer goes wrong. Bytes are counted in the answer's body.
 *
 * - `status`: that status instead (headers as given)
 * - `cut`: the connection is destroyed after so many bytes
 * - `stall`: nothing more comes after so many bytes, the connection stays
 * - `shorter`, `longer`: a body of another length than announced (the connection ends as if all were well)
 * - `wrongBytes`: the byte at that place of the file is another
 * - `ignoreRange`: the whole file with status 200
 * - `wrongContentRange`, `noContentRange`: as they say
 * - `html`: a web page with status 200
 * - `gzip`: `Content-Encoding: gzip`, whatever was accepted
 * - `changedEtag`: the tags of another file
 * - `size`: that size is announced, whatever the file's
 * - `tag`: that tag is announced, quotes and all; the listings still tell the truth
 * - `redirect`: to that address; to itself makes a loop
 * - `noChecksum`: tags that are no checksums, none in the listing either
 */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'cut' | 'stall'; after: number }
  | { kind: 'shorter' | 'longer'; by: number }
  | { kind: 'wrongBytes'; at: number }
  | { kind: 'redirect'; to: string }
  | { kind: 'size' | 'tag'; announced: string }
  | {
      kind: 'ignoreRange' | 'wrongContentRange' | 'noContentRange' | 'html' | 'gzip' | 'changedEtag' | 'noChecksum';
    };

/** Which requests a fault befalls: those that match, all of them or the first so many. */
export type FaultRule = Fault & {
  match?: (request: HubRequest) => boolean;
  /** Default: every time. */
  times?: number;
};

/** The faults that are set, and how often each is still to happen. */
export class Faults {
  #rules: { rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault for this request, if one is set. Counts it. */
  take(request: HubRequest): Fault | undefined {
    const found = this.#rules.find(({ rule, left }) => left > 0 && (rule.match?.(request) ?? true));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.rule;
  }
}
