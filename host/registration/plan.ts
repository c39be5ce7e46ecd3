import { BROWSER_NAMES, BROWSERS, type BrowserFamily, type BrowserName } from '../../manifests/browser.ts';
import { browserLocations } from '../../manifests/browsers.ts';
import { type AllowedExtensions, HOST_NAME, hostManifest } from '../../manifests/host-manifest.ts';
import type { ManifestFolder } from '../../manifests/locations.ts';
import { findBrowsers } from './find-browsers.ts';
import { pathExists, pathsOf, type RegistrationEnv, resolvePath } from './platform-env.ts';
import { FOLDER_MODE, type KeyTarget, MANIFEST_MODE, type Target } from './target.ts';

/** Options of {@link planRegistration}. */
export interface RegistrationRequest extends RegistrationEnv {
  /** Browsers requested by the user, even if they are not installed. Default: the installed ones. */
  readonly browsers?: readonly BrowserName[];
  /** Browsers that were registered earlier. They are always updated. */
  readonly registered?: readonly BrowserName[];
  readonly allowed: AllowedExtensions;
  /** Absolute path of the program that browsers start. */
  readonly hostPath: string;
  /** Whether to register for all users of the computer. */
  readonly systemWide: boolean;
  /** Folder of the manifests that registry keys refer to (Windows). */
  readonly programFolder: string;
}

/** A note for the user about a browser. */
export interface PlanNote {
  readonly browser: BrowserName;
  readonly text: string;
}

/** The files and registry keys to write. */
export interface RegistrationPlan {
  /** The browsers that will find the host. */
  readonly browsers: readonly BrowserName[];
  readonly targets: readonly Target[];
  readonly notes: readonly PlanNote[];
}

/**
 * Plans the files and registry keys with which browsers find the host. Has no side effects; reads the file system only
 * with `exists`. A file that several browsers read is one target.
 */
export function planRegistration(request: RegistrationRequest): RegistrationPlan {
  const wanted = new Set([...(request.browsers ?? findBrowsers(request)), ...(request.registered ?? [])]);
  const targets = new Map<string, Target>();
  const notes: PlanNote[] = [];
  const reached: BrowserName[] = [];

  for (const browser of BROWSER_NAMES) {
    const locations = browserLocations(request.system, browser);
    if (locations === undefined) {
      const text = `${BROWSERS[browser].title} is not supported on this platform.`;
      if (request.browsers?.includes(browser)) notes.push({ browser, text });
      continue;
    }
    // Add a note about a sandboxed browser if it was found or requested, but not if the user requested others.
    if (wanted.has(browser) || request.browsers === undefined) {
      for (const { marker, message } of locations.sandboxed) {
        if (pathExists(marker, request)) notes.push({ browser, text: message });
      }
    }
    if (!wanted.has(browser)) continue;

    const before = targets.size;
    let shared = false;
    for (const location of request.systemWide ? locations.system : locations.user) {
      if (location.kind === 'folder' && location.hazard && isHazard(location.hazard, request)) {
        notes.push({ browser, text: location.hazard.message });
        continue;
      }
      const found =
        location.kind === 'key'
          ? keyTargets(location.key, browser, request)
          : folderTargets(location, browser, request);
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
  return !pathExists(hazard.missing, request) && pathExists(hazard.present, request);
}

function folderTargets(
  location: ManifestFolder,
  browser: BrowserName,
  request: RegistrationRequest,
): [string, Target][] {
  const folder = resolvePath(location, request);
  if (folder === undefined || (location.onlyIfExists && !pathExists(location.onlyIfExists, request))) return [];
  const path = pathsOf(request).join(folder, `${HOST_NAME}.json`);
  return [[path, manifestTarget(path, BROWSERS[browser].family, [browser], request)]];
}

/** Returns a registry key and the manifest to which it refers, which browsers of a family share. */
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
