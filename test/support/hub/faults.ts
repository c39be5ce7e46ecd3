import type { ServerResponse } from 'node:http';
import type { HubRequest } from './hub.ts';

/**
 * A fault of a response. Bytes are counted in the response body.
 *
 * - `status`: an error with this status and these headers
 * - `cut`: the connection is destroyed after this many bytes
 * - `stall`: nothing more is sent after this many bytes, but the connection stays open
 * - `shorter`, `longer`: a body that is shorter or longer than announced; the connection ends normally
 * - `wrongBytes`: a changed byte at this offset of the file
 * - `ignoreRange`: the whole file with status 200
 * - `wrongContentRange`, `noContentRange`: a wrong or no `Content-Range`
 * - `html`: a web page with status 200
 * - `gzip`: `Content-Encoding: gzip` although it was not requested
 * - `changedEtag`: the ETags of another file
 * - `size`: announces this size instead of the file's
 * - `tag`: announces this ETag, including quotes; listings are correct
 * - `redirect`: a redirect to this URL; its own URL causes a loop
 * - `script`: calls this function to send the response
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

/** A fault, and the requests it applies to. */
export type FaultRule = Fault & {
  match?: (request: HubRequest) => boolean;
  /** The number of requests to apply it to. Default: unlimited. */
  times?: number;
};

/** The active faults, and how often each still occurs. */
export class Faults {
  #rules: { rule: FaultRule; remaining: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, remaining: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** Returns the fault for this request, if any, and counts it. */
  take(request: HubRequest): Fault | undefined {
    const found = this.#rules.find(({ rule, remaining }) => remaining > 0 && (rule.match?.(request) ?? true));
    if (found === undefined) return undefined;
    found.remaining -= 1;
    return found.rule;
  }
}
