import { RequestError } from '../host-connection.ts';

/**
 * Why there is no usable host:
 * - `notInstalled`: no host is registered with this browser (Firefox reports the same for one that does not allow us).
 * - `forbidden`: a host is registered, but does not allow this extension.
 * - `misconfigured`: the host refuses requests until its configuration is fixed; `reason` is its own message.
 * - `hostOutdated`: the host is older than this extension needs.
 * - `extensionOutdated`: this extension is older than the host supports.
 * - `notStarting`: it is registered, but could not be started, or its output was not a message.
 * - `silent`: it runs but does not reply.
 * - `stopped`: it exited.
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
  /** The message of the browser or the host, for a bug report. */
  readonly reason: string;
}

/**
 * The browsers' messages for a lost port. A disconnect carries no code, so the text has to be matched. Chromium's are in
 * `extensions/browser/api/messaging/native_message_host.cc`, Firefox's in `NativeMessaging.sys.mjs`.
 */
const MESSAGES: readonly (readonly [RegExp, HostProblemKind])[] = [
  [/host not found|no such native application/i, 'notInstalled'],
  [/forbidden/i, 'forbidden'],
  [/error when communicating|unexpected error|failed to start|exceeds the limit/i, 'notStarting'],
];

/**
 * Returns what a lost port means.
 *
 * @param reason The browser's message; undefined in Firefox when the host exited.
 */
export function problemOfDisconnect(reason: string | undefined): HostProblem {
  const kind = MESSAGES.find(([pattern]) => pattern.test(reason ?? ''))?.[1] ?? 'stopped';
  return { kind, reason: reason ?? '' };
}

/** Returns what a failed first request means. */
export function problemOfError(error: unknown): HostProblem {
  if (!(error instanceof RequestError)) return { kind: 'notStarting', reason: String(error) };
  if (error.code === 'HOST_DISCONNECTED') return problemOfDisconnect(error.message);
  if (error.code === 'ORIGIN_NOT_ALLOWED') return { kind: 'forbidden', reason: error.message };
  return { kind: 'misconfigured', reason: error.message };
}
