import { isHostError, isSystemError } from '../../common/errors.ts';

/** What was found out about one thing. */
export interface Finding {
  /** What was looked at, in a few words. */
  readonly check: string;
  /** `warning`: it works, or need not work, and someone may still want to know. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Looks at one thing. A `HostError` or a fault of the system is the finding; anything else is thrown on: it is ours. */
export async function examine(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (isHostError(error)) {
      const { code, message, details } = error;
      return [{ check, status: 'failed', message, details: { code, ...details } }];
    }
    if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EIO', 'ENOENT')) {
      return [
        {
          check,
          status: 'failed',
          message: error.message,
          fix: `Check the permissions and free space of ${error.path ?? 'the disk'}.`,
        },
      ];
    }
    throw error;
  }
}
