import { ACTIONS } from '../../host/protocol/actions/index.ts';
import { ORIGINAL_ACTIONS, type OriginalAction } from '../../test/support/original/conformance.ts';

/**
 * Returns the conformance page as Markdown: what each action of the original host does here, from the table that the
 * tests use.
 */
export function conformanceTable(): string {
  const original = new Set(ORIGINAL_ACTIONS.map(({ action }) => action.toUpperCase()));
  const additions = [...ACTIONS.values()].filter(({ declaration }) => !original.has(declaration.name));
  return `${[
    '# Conformance',
    '',
    'The actions of the original TabAgent host (Python with a Rust handler), the request fields it accepted, and the reply fields',
    'that its clients read. Tests send each of these requests to a real host and check each of these fields; `npm run docs`',
    'generates this page from the same table.',
    '',
    '| action | fields of the request | fields of the reply | this host |',
    '|---|---|---|---|',
    ...ORIGINAL_ACTIONS.map(row),
    '',
    '## Additional actions',
    '',
    'The [reference](REFERENCE.md) lists their fields.',
    '',
    '| action | description |',
    '|---|---|',
    ...additions.map(({ declaration: { name, summary } }) => `| \`${name}\` | ${summary} |`),
  ].join('\n')}\n`;
}

function row({ action, requestFields, replyFields, code, differs }: OriginalAction): string {
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(' ') || '–';
  const here = [
    ...(code === undefined ? [] : [`Replies with the error \`${code}\` by default.`]),
    differs ?? 'The same.',
  ].join(' ');
  return `| \`${action}\` | ${names(requestFields)} | ${names(replyFields)} | ${here} |`;
}
