import { BROWSER_NAMES, BROWSERS, type BrowserFamily, type BrowserName } from '../../manifests/browser.ts';
import { placesOfBrowser } from '../../manifests/browsers.ts';
import { type AllowedExtensions, HOST_NAME, hostManifest } from '../../manifests/host-manifest.ts';
import type { ManifestFolder } from '../../manifests/places.ts';
import { findBrowsers } from './find-browsers.ts';
import { pathsOf, placeExists, type RegistrationEnv, resolvePlace } from './platform-env.ts';
import { FOLDER_MODE, type KeyTarget, MANIFEST_MODE, type Target } from './target.ts';

/** A registration to plan. */
export interface RegistrationRequest extends RegistrationEnv {
  /** Browsers given by the user, registered whether they are installed or not. Default: those that are installed. */
  readonly browsers?: readonly BrowserName[];
  /** Browsers registered before, which are updated in any case. */
  readonly registered?: readonly BrowserName[];
  readonly allowed: AllowedExtensions;
  /** Absolute path of the program the browsers start. */
  readonly hostPath: string;
  /** For all users of the computer. */
  readonly systemWide: boolean;
  /** Folder of manifests whose path is in the registry (Windows). */
  readonly programFolder: string;
}

/** A note for the user about a browser. */
export interface PlanNote {
  readonly browser: BrowserName;
  readonly text: string;
}

/** What to write, and where. */
export interface RegistrationPlan {
  /** The browsers that will find the host. */
  readonly browsers: readonly BrowserName[];
  readonly targets: readonly Target[];
  readonly notes: readonly PlanNote[];
}

/**
 * Plans what must be written so that browsers find the host. Calls nothing but `exists`, and writes
 * nothing. A file that several browsers read is one target.
 */
export function planRegistration(request: RegistrationRequest): RegistrationPlan {
  const wanted = new Set([...(request.browsers ?? findBrowsers(request)), ...(request.registered ?? [])]);
  const targets = new Map<string, Target>();
  const notes: PlanNote[] = [];
  const reached: BrowserName[] = [];

  for (const browser of BROWSER_NAMES) {
    const places = placesOfBrowser(request.system, browser);
    if (places === undefined) {
      const text = `${BROWSERS[browser].title} is not supported on this platform.`;
      if (request.browsers?.includes(browser)) notes.push({ browser, text });
      continue;
    }
    // A browser in a sandbox gets a note if it was found or given, not if the user gave others.
    if (wanted.has(browser) || request.browsers === undefined) {
      for (const { sign, say } of places.confined) {
        if (placeExists(sign, request)) notes.push({ browser, text: say });
      }
    }
    if (!wanted.has(browser)) continue;

    const before = targets.size;
    let shared = false;
    for (const place of request.systemWide ? places.system : places.user) {
      if (place.kind === 'folder' && place.hazard && isHazard(place.hazard, request)) {
        notes.push({ browser, text: place.hazard.say });
        continue;
      }
      const found =
        place.kind === 'key' ? keyTargets(place.key, browser, request) : folderTargets(place, browser, request);
      for (const [id, target] of found) {
        const known = targets.get(id);
        shared ||= known !== undefined;
        targets.set(id, known ? { ...known, browsers: [...known.browsers, browser] } : target);
      }
    }
    if (targets.size > before || shared) reached.push(browser);
  }
  return { browsers: reached, targets: [...targets.values()], notes };
}

function isHazard(hazard: NonNullable<ManifestFolder['hazard']>, request: RegistrationRequest): boolean {
  return !placeExists(hazard.missing, request) && placeExists(hazard.present, request);
}

function folderTargets(place: ManifestFolder, browser: BrowserName, request: RegistrationRequest): [string, Target][] {
  const folder = resolvePlace(place, request);
  if (folder === undefined || (place.onlyWhere && !placeExists(place.onlyWhere, request))) return [];
  const path = pathsOf(request).join(folder, `${HOST_NAME}.json`);
  return [[path, manifestTarget(path, BROWSERS[browser].family, [browser], request)]];
}

/** A key, and the file it names: one for each family. */
function keyTargets(vendorKey: string, browser: BrowserName, request: RegistrationRequest): [string, Target][] {
  const { family } = BROWSERS[browser];
  const path = pathsOf(request).join(request.programFolder, 'manifests', `${HOST_NAME}.${family}.json`);
  const key = `${request.systemWide ? 'HKLM' : 'HKCU'}\\Software\\${vendorKey}\\${HOST_NAME}`;
  const target: KeyTarget = { kind: 'key', key, value: path, browsers: [browser] };
  return [
    [path, manifestTarget(path, family, [browser], request)],
    [key, target],
  ];
}

function manifestTarget(
  path: string,
  family: BrowserFamily,
  browsers: readonly BrowserName[],
  request: RegistrationRequest,
): Target {
  return {
    kind: 'file',
    path,
    contents: hostManifest(family, request.hostPath, request.allowed),
    mode: MANIFEST_MODE,
    folderMode: request.systemWide ? FOLDER_MODE.system : FOLDER_MODE.user,
    browsers,
  };
}
