import type { HostProblem } from './host-problem.ts';

/** The state of the connection to the host. */
export type HostState =
  /** Not needed yet, or closed to start an updated host. */
  | { readonly status: 'closed' }
  /** It is being started, or started again after `problem`. */
  | { readonly status: 'connecting'; readonly problem?: HostProblem }
  | { readonly status: 'connected'; readonly version: string }
  /** There is no host. It is tried again automatically while a page is open. */
  | { readonly status: 'failed'; readonly problem: HostProblem };
