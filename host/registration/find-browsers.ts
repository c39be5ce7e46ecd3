import type { BrowserName } from '../../manifests/browser.ts';
import { browserLocations, browsersOn } from '../../manifests/browsers.ts';
import { commandExists, pathExists, type RegistrationEnv } from './platform-env.ts';

/**
 * Returns the installed browsers: those with an existing profile or program. Excludes browsers that are installed only
 * in a sandbox that cannot start the host; the plan contains a note about them.
 */
export function findBrowsers(machine: RegistrationEnv): BrowserName[] {
  return browsersOn(machine.system).filter((name) => {
    const locations = browserLocations(machine.system, name);
    if (locations === undefined) return false;
    return (
      locations.markers.some((marker) => pathExists(marker, machine)) ||
      locations.commands.some((command) => commandExists(command, machine)) ||
      locations.sandboxed.some(({ portal, marker }) => portal && pathExists(marker, machine))
    );
  });
}
