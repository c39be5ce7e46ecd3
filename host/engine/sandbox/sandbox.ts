/** A program to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** What a contained process can read besides the system's programs and libraries. Absolute paths without links. */
export interface Visible {
  /** Folders with everything in them. */
  readonly folders: readonly string[];
  /** Single files: where the process finds each, and the file itself, which may have another name. */
  readonly files: readonly { readonly path: string; readonly target: string }[];
  /** A folder into which it can write. */
  readonly writable?: string | undefined;
}

/** The ways of the operating systems to contain a process. */
export type SandboxKind = 'bubblewrap' | 'sandbox-exec';

/**
 * Starts processes that have no network, can write nothing but a driver's cache and one folder, see only what they need, and gain no
 * privileges.
 */
export interface Sandbox {
  readonly kind: SandboxKind;
  /** Returns the command that starts a command contained. */
  wrap(command: Command, visible: Visible): Command;
}
