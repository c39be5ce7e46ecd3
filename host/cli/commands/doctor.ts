import { defined } from '../../common/defined.ts';
import { EXIT } from '../../common/exit-codes.ts';
import { readConfig } from '../../config.ts';
import { type CommandContext, print } from '../context.ts';
import { examineBrowsers } from '../doctor/browsers.ts';
import { examine, type Finding } from '../doctor/finding.ts';
import {
  examineCache,
  examineConfiguration,
  examineConversations,
  examineHome,
  examineOtherPrograms,
} from '../doctor/home.ts';
import { examineHub } from '../doctor/hub.ts';
import { examineEngine } from '../doctor/self-test.ts';
import { paint, type Style } from '../terminal/styles.ts';
import { printable } from '../terminal/text.ts';

const SIGNS: Readonly<Record<Finding['status'], { readonly word: string; readonly style: Style }>> = {
  ok: { word: 'ok     ', style: 'green' },
  warning: { word: 'warning', style: 'yellow' },
  failed: { word: 'FAILED ', style: 'red' },
};

/** `tabagent doctor`: prints each finding when its check ends, then a summary. */
export async function run(context: CommandContext): Promise<number> {
  const { entry, input, interrupts, terminal } = context;
  const [unusable] = await examine('configuration', async () => {
    readConfig({ runnerEntry: entry, env: terminal.env });
    return [];
  });
  // Without a configuration, nothing else can be checked.
  const checks = unusable === undefined ? checksOf(context) : ([['configuration', async () => [unusable]]] as const);
  const findings: Finding[] = [];
  for (const [check, look] of checks) {
    const found = await examine(check, look);
    interrupts.signal.throwIfAborted();
    findings.push(...found);
    if (!input.flag('json'))
      for (const finding of found) terminal.stdout.write(formatFinding(finding, terminal.styled.stdout));
  }
  const failed = findings.filter(({ status }) => status === 'failed').length;
  print(context, { ok: failed === 0, findings: findings.map(withFormerName) }, () =>
    failed === 0 ? 'All required checks passed.\n' : `${failed} of ${findings.length} checks failed.\n`,
  );
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

type Check = readonly [name: string, run: () => Promise<readonly Finding[]>];

function checksOf(context: CommandContext): readonly Check[] {
  const { client, entry, terminal } = context;
  const config = readConfig({ runnerEntry: entry, env: terminal.env });
  return [
    ['data folder', () => examineHome(config)],
    ['configuration', () => examineConfiguration(config)],
    ['cache', () => examineCache(client)],
    ['conversations', () => examineConversations(client)],
    ['other programs', () => examineOtherPrograms(client)],
    ['browsers', () => examineBrowsers(context)],
    ['hub', () => examineHub(client, config)],
    ['llama.cpp', () => examineEngine(context)],
  ];
}

/** Adds the name that the field `fix` had in version 0.1; scripts may still read it. */
function withFormerName(finding: Finding) {
  return { ...finding, ...defined({ mend: finding.fix }) };
}

function formatFinding({ check, status, message, fix }: Finding, styled: boolean): string {
  const { word, style } = SIGNS[status];
  const lines = [`${paint(word, style, styled)}  ${printable(`${check}: ${message}`)}`];
  if (fix !== undefined) lines.push(`         ${printable(fix)}`);
  return lines.map((line) => `${line}\n`).join('');
}
