import type { HostProblem } from './host-problem.ts';

/** Where the extension stands with the host. */
export type HostState =
  /** Nobody has asked for it yet. */
  | { readonly status: 'closed' }
  /** It is being started, or tried again after `problem`. */
  | { readonly status: 'connecting'; readonly problem?: HostProblem }
  | { readonly status: 'connected'; readonly version: string }
  /** There is none; it is tried again by itself while a page is open. */
  | { readonly status: 'failed'; readonly problem: HostProblem };
