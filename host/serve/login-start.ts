import { HostError } from '../common/errors.ts';
import type { Platform } from '../common/platform.ts';
import { pathOf } from '../common/platform.ts';

/** What starts the server at login, and on which computer. */
export interface LoginStartRequest {
  readonly platform: Platform;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly home: string;
  readonly dataFolder: string;
  /** The program and its arguments, all absolute or literal. */
  readonly command: readonly string[];
  /** Environment variables that the server needs. Windows tasks have none. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A file that the system, or a command of it, reads. */
export interface LoginStart {
  /** Absolute path. */
  readonly file: string;
  readonly contents: string | Uint8Array;
  /** A link that the system looks for, to the file. */
  readonly link?: string;
  /** Arguments of `schtasks.exe`, which registers the file, or removes it; absent where the file suffices. */
  readonly register?: readonly string[];
  readonly unregister?: readonly string[];
  /** The command with which a user starts it without logging in again, and the one that stops it. */
  readonly startNow: string;
  readonly stopNow: string;
}

const SERVICE = 'tabagent.service';
const AGENT = 'dev.tabagent.serve';
const TASK = 'TabAgent';

/** The names of the options contain two hyphens, which an XML comment must not. */
const COMMENT = '<!-- Written and removed by the command "tabagent serve". -->';

/**
 * Returns what starts the server at every login of this user.
 *
 * @throws HostError `SERVE_FAILED` for a path that cannot be written into the file.
 */
export function planLoginStart(request: LoginStartRequest): LoginStart {
  for (const text of [...request.command, ...Object.values(request.variables)]) assertOneLine(text);
  switch (request.platform) {
    case 'linux':
      return systemdUnit(request);
    case 'darwin':
      return launchAgent(request);
    case 'win32':
      return windowsTask(request);
  }
}

/** No file of these kinds can contain such characters in a path. */
function assertOneLine(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for control characters
  if (!/[\u0000-\u001f\u007f]/.test(text)) return;
  throw unusablePath('a control character');
}

function unusablePath(what: string): HostError {
  return new HostError('SERVE_FAILED', `A path of TabAgent contains ${what}, so it cannot be started at login.`);
}

function systemdUnit({ env, home, command, variables, platform }: LoginStartRequest): LoginStart {
  const { join, isAbsolute } = pathOf(platform);
  const config = env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : join(home, '.config');
  const folder = join(config, 'systemd', 'user');
  const contents = [
    '# Written by "tabagent serve --install", removed by "tabagent serve --uninstall".',
    '[Unit]',
    'Description=TabAgent: language models for programs on this computer',
    '',
    '[Service]',
    ...Object.entries(variables).map(([name, value]) => `Environment=${systemdWord(`${name}=${value}`)}`),
    `ExecStart=${command.map((word) => systemdWord(word).replaceAll('$', '$$$$')).join(' ')}`,
    // It ends with these codes on SIGINT and SIGTERM.
    'SuccessExitStatus=130 143',
    'Restart=on-failure',
    'RestartSec=5',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
  return {
    file: join(folder, SERVICE),
    contents,
    // What "systemctl --user enable" makes.
    link: join(folder, 'default.target.wants', SERVICE),
    startNow: `systemctl --user daemon-reload && systemctl --user start ${SERVICE}`,
    stopNow: `systemctl --user stop ${SERVICE}`,
  };
}

/** A word in quotes, without what systemd would expand in it. */
function systemdWord(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

function launchAgent({ home, command, variables, platform }: LoginStartRequest): LoginStart {
  const { join } = pathOf(platform);
  const file = join(home, 'Library', 'LaunchAgents', `${AGENT}.plist`);
  const string = (text: string) => `<string>${xmlText(text)}</string>`;
  const contents = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    COMMENT,
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key>${string(AGENT)}`,
    `  <key>ProgramArguments</key><array>${command.map(string).join('')}</array>`,
    `  <key>EnvironmentVariables</key><dict>${Object.entries(variables)
      .map(([name, value]) => `<key>${xmlText(name)}</key>${string(value)}`)
      .join('')}</dict>`,
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>Crashed</key><true/></dict>',
    '  <key>Umask</key><integer>63</integer>',
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
  return {
    file,
    contents,
    startNow: `launchctl bootstrap gui/$(id -u) '${file.replaceAll("'", `'\\''`)}'`,
    stopNow: `launchctl bootout gui/$(id -u)/${AGENT}`,
  };
}

function windowsTask({ env, dataFolder, command, platform }: LoginStartRequest): LoginStart {
  // The task scheduler replaces variables and parameters in commands, and offers no way to prevent that.
  for (const word of command) if (/%[^%]+%|\$\(/.test(word)) throw unusablePath('a variable of the task scheduler');
  const [program = '', ...args] = command;
  const file = pathOf(platform).join(dataFolder, 'serve-task.xml');
  const user = xmlText([env.USERDOMAIN, env.USERNAME].filter(Boolean).join('\\'));
  const text = [
    '<?xml version="1.0" encoding="UTF-16"?>',
    COMMENT,
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    '  <RegistrationInfo><Description>TabAgent: language models for programs on this computer</Description></RegistrationInfo>',
    `  <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>${user}</UserId></LogonTrigger></Triggers>`,
    `  <Principals><Principal id="Author"><UserId>${user}</UserId><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>`,
    '  <Settings>',
    '    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
    '    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
    '    <RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure>',
    '  </Settings>',
    `  <Actions Context="Author"><Exec><Command>${xmlText(program)}</Command><Arguments>${xmlText(
      args.map(windowsWord).join(' '),
    )}</Arguments></Exec></Actions>`,
    '</Task>',
    '',
  ].join('\r\n');
  return {
    file,
    // schtasks.exe reads UTF-16 with a byte order mark.
    contents: Buffer.from(`\ufeff${text}`, 'utf16le'),
    register: ['/Create', '/TN', TASK, '/XML', file, '/F'],
    unregister: ['/Delete', '/TN', TASK, '/F'],
    startNow: `schtasks /Run /TN ${TASK}`,
    stopNow: `schtasks /End /TN ${TASK}`,
  };
}

/** A word of a command line as Windows programs split it. */
function windowsWord(word: string): string {
  return /^[\w:./\\-]+$/.test(word) ? word : `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
