import type { ServerResponse } from 'node:http';
import type { HubRequest } from './hub.ts';

/**
 * A fault of a response. Bytes are counted in the response body.
 *
 * - `status`: this status instead, with these headers
 * - `cut`: the connection is destroyed after this many bytes
 * - `stall`: nothing more is sent after this many bytes, but the connection stays open
 * - `shorter`, `longer`: a body of another length than announced (the connection ends normally)
 * - `wrongBytes`: the byte at this offset of the file is changed
 * - `ignoreRange`: the whole file with status 200
 * - `wrongContentRange`, `noContentRange`: a wrong or no `Content-Range`
 * - `html`: a web page with status 200
 * - `gzip`: `Content-Encoding: gzip` although it was not requested
 * - `changedEtag`: the ETags of another file
 * - `size`: this size is announced instead of the file's
 * - `tag`: this ETag is announced, including quotes; the listings stay correct
 * - `redirect`: a redirect to this URL; one to itself makes a loop
 * - `script`: whatever this function sends
 * - `noChecksum`: ETags that are not checksums, and no checksums in the listings
 */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'cut' | 'stall'; after: number }
  | { kind: 'shorter' | 'longer'; by: number }
  | { kind: 'wrongBytes'; at: number }
  | { kind: 'redirect'; to: string; headers?: Record<string, string> }
  | { kind: 'script'; answer: (response: ServerResponse, request: HubRequest) => unknown }
  | { kind: 'size' | 'tag'; announced: string }
  | {
      kind: 'ignoreRange' | 'wrongContentRange' | 'noContentRange' | 'html' | 'gzip' | 'changedEtag' | 'noChecksum';
    };

/** A fault and the requests it applies to: those that match, all of them or the first `times`. */
export type FaultRule = Fault & {
  match?: (request: HubRequest) => boolean;
  /** Default: unlimited. */
  times?: number;
};

/** The faults that are set, and how often each is still to occur. */
export class Faults {
  #rules: { rule: FaultRule; remaining: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, remaining: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** Returns the fault for this request, if one is set, and counts it. */
  take(request: HubRequest): Fault | undefined {
    const found = this.#rules.find(({ rule, remaining }) => remaining > 0 && (rule.match?.(request) ?? true));
    if (found === undefined) return undefined;
    found.remaining -= 1;
    return found.rule;
  }
}
