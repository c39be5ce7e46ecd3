import type { BrowserName } from '../../manifests/browser.ts';
import { browsersOn, placesOfBrowser } from '../../manifests/browsers.ts';
import { commandExists, placeExists, type RegistrationEnv } from './platform-env.ts';

/**
 * Returns the browsers that are installed: a profile or a program of theirs exists. A browser that exists only in a
 * sandbox that cannot start the host is not among them; the plan has a note about it.
 */
export function findBrowsers(around: RegistrationEnv): BrowserName[] {
  return browsersOn(around.system).filter((name) => {
    const places = placesOfBrowser(around.system, name);
    if (places === undefined) return false;
    return (
      places.signs.some((sign) => placeExists(sign, around)) ||
      places.commands.some((command) => commandExists(command, around)) ||
      places.confined.some(({ portal, sign }) => portal && placeExists(sign, around))
    );
  });
}
