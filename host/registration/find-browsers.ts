import type { BrowserName } from '../../manifests/browser.ts';
import { browsersOn, placesOfBrowser } from '../../manifests/browsers.ts';
import { commandExists, placeExists, type RegistrationEnv } from './platform-env.ts';

/**
 * Returns the installed browsers: those with an existing profile or program. Excludes browsers that are installed only
 * in a sandbox that cannot start the host; the plan contains a note about them.
 */
export function findBrowsers(machine: RegistrationEnv): BrowserName[] {
  return browsersOn(machine.system).filter((name) => {
    const places = placesOfBrowser(machine.system, name);
    if (places === undefined) return false;
    return (
      places.signs.some((sign) => placeExists(sign, machine)) ||
      places.commands.some((command) => commandExists(command, machine)) ||
      places.confined.some(({ portal, sign }) => portal && placeExists(sign, machine))
    );
  });
}
