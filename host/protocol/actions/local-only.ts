import type { ActionName } from './requests.ts';

/**
 * Who asks. `browser`: an extension, over the port its browser opened. `local`: the user of this machine, by the
 * command `tabagent` or a program of their own.
 */
export type ClientKind = 'browser' | 'local';

/**
 * Actions a browser is refused (`LOCAL_ONLY`): they name files and folders of this machine, and what a web page can
 * talk an extension into must not reach those.
 */
export const LOCAL_ONLY_ACTIONS: readonly ActionName[] = ['IMPORT_MODEL', 'MOVE_CACHE'];
