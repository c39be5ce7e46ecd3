import { isHostError, isSystemError } from '../../common/errors.ts';

/** The result of a check. */
export interface Finding {
  /** The name of the check. */
  readonly check: string;
  /** `warning`: works or is optional, but may need attention. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do. */
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Runs a check. A `HostError` or a system error becomes its finding; any other error is a bug, and is thrown. */
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
