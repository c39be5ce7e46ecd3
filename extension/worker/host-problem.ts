import { RequestError } from '../host-connection.ts';

/**
 * Why there is no host to talk to:
 * - `notInstalled`: no host is registered with this browser (Firefox says the same of one that refuses us).
 * - `forbidden`: a host is registered, but does not allow this extension.
 * - `misconfigured`: the host refuses to work until its configuration is mended; `reason` is its own sentence.
 * - `hostOutdated`: the host is older than this extension needs.
 * - `extensionOutdated`: this extension is older than the host works with.
 * - `notStarting`: it is registered, but could not be started, or said something that is no message.
 * - `silent`: it runs and does not answer.
 * - `stopped`: it ended.
 */
export type HostProblemKind =
  | 'notInstalled'
  | 'forbidden'
  | 'misconfigured'
  | 'hostOutdated'
  | 'extensionOutdated'
  | 'notStarting'
  | 'silent'
  | 'stopped';

/** A problem with the host, as pages show it. */
export interface HostProblem {
  readonly kind: HostProblemKind;
  /** What the browser or the host said, for a bug report. */
  readonly reason: string;
}

/**
 * The browsers' words for a lost port. They are all there is to go by: a disconnect carries no code. Chromium's are in
 * `extensions/browser/api/messaging/native_message_host.cc`, Firefox's in `NativeMessaging.sys.mjs`.
 */
const SAID: readonly (readonly [RegExp, HostProblemKind])[] = [
  [/host not found|no such native application/i, 'notInstalled'],
  [/forbidden/i, 'forbidden'],
  [/error when communicating|unexpected error|failed to start|exceeds the limit/i, 'notStarting'],
];

/**
 * Tells what a lost port means.
 *
 * @param reason What the browser said; undefined in Firefox when the host simply ended.
 */
export function problemOfDisconnect(reason: string | undefined): HostProblem {
  const kind = SAID.find(([words]) => words.test(reason ?? ''))?.[1] ?? 'stopped';
  return { kind, reason: reason ?? '' };
}

/** Tells what a first request that failed means. */
export function problemOfError(error: unknown): HostProblem {
  if (!(error instanceof RequestError)) return { kind: 'notStarting', reason: String(error) };
  if (error.code === 'HOST_DISCONNECTED') return problemOfDisconnect(error.message);
  if (error.code === 'ORIGIN_NOT_ALLOWED') return { kind: 'forbidden', reason: error.message };
  return { kind: 'misconfigured', reason: error.message };
}
