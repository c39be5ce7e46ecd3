import { BROWSER_NAMES, type BrowserName } from '../../manifests/browser.ts';
import { BROWSER_TABLES } from '../../manifests/browsers.ts';
import { commandExists, placeExists, type RegistrationEnv } from './platform-env.ts';

/**
 * The browsers that are there: a profile or a program of theirs exists. One that is there only in a sandbox without
 * a way out is not counted; the plan has a note about it.
 */
export function findBrowsers(around: RegistrationEnv): BrowserName[] {
  return BROWSER_NAMES.filter((name) => {
    const places = BROWSER_TABLES[around.system][name];
    return (
      places.signs.some((sign) => placeExists(sign, around)) ||
      places.commands.some((command) => commandExists(command, around)) ||
      places.confined.some(({ portal, sign }) => portal && placeExists(sign, around))
    );
  });
}
