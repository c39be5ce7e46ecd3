import { PROGRESS_INTERVAL_MS } from '../../host/common/progress.ts';
import { ACTIONS, GROUPS } from '../../host/protocol/actions/index.ts';
import type { ActionDeclaration, EventDeclaration } from '../../host/protocol/define.ts';
import { COMMON_ERRORS, ERROR_CODES } from '../../host/protocol/errors.ts';
import * as events from '../../host/protocol/events.ts';
import { modelReference, type Schema } from '../../host/protocol/fields.ts';
import { MAX_REPLY_BYTES, MAX_REQUEST_BYTES } from '../../host/protocol/limits.ts';
import { type Field, fieldsOf } from './describe-schema.ts';

const MiB = 1024 * 1024;

/** Returns the reference page as Markdown, generated from the declarations that the host uses. */
export function reference(): string {
  const found = [...ACTIONS.values()];
  const actions = found.map(({ declaration }) => declaration);
  const groups = Object.keys(GROUPS).map((name) => found.filter(({ group }) => group === name));
  return `${[
    '# Reference',
    '',
    'Every action, field, event, limit and error code of the host. `npm run docs` generates this page from the declarations',
    'in this folder; a test fails if it is out of date. The [README](../../README.md) describes how messages are sent.',
    '',
    'Fields and events marked *Extension* are not part of the protocol of the original TabAgent host.',
    '',
    '## Limits',
    '',
    '| what | limit |',
    '|---|---|',
    `| message to the host | ${MAX_REQUEST_BYTES / MiB} MiB |`,
    `| message from the host | ${MAX_REPLY_BYTES / MiB} MiB; longer lists are divided into pages (\`limit\`, \`cursor\`, \`nextCursor\`) |`,
    `| progress events of one operation | one every ${PROGRESS_INTERVAL_MS} ms, and always the last |`,
    '',
    '## Naming a model',
    '',
    'Where a request takes *a model*, it names one by its ID, `owner/name/file.gguf` or, for a revision other than `main`,',
    '`owner/name@revision/file.gguf`; or by its repository and file. Replies and events contain the ID as `modelId`. These',
    'fields are accepted:',
    '',
    ...table(fieldsOfEntries(modelReference)),
    '',
    '## Actions',
    '',
    ...groups.map(
      (group) => `- ${group.map(({ declaration: { name } }) => `[${name}](#${name.toLowerCase()})`).join(' · ')}`,
    ),
    '',
    `Any action can fail with ${codes(COMMON_ERRORS)}.`,
    '',
    ...actions.flatMap(action),
    '## Events',
    '',
    'An event is `{"type", "payload", "requestId"}`, with the ID of its request.',
    '',
    ...Object.values(events).flatMap((declaration) => event(declaration, actions)),
    '## Error codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  ].join('\n')}\n`;
}

function action({
  name,
  summary,
  request,
  response,
  topLevel,
  events,
  errors,
  localOnly,
  ownExtensionOnly,
}: ActionDeclaration): string[] {
  const reply = fieldsOf(response);
  return [
    `### ${name}`,
    '',
    [
      summary,
      localOnly ? 'Browsers are refused (`LOCAL_ONLY`).' : '',
      ownExtensionOnly ? "Extensions other than TabAgent's are refused (`LOCAL_ONLY`)." : '',
    ]
      .filter(Boolean)
      .join(' '),
    '',
    ...takes(fieldsOf(request)),
    ...(topLevel === 'payload'
      ? ['Replies in `payload`, and again at the top level of the reply:']
      : ['Replies in `payload`:']),
    '',
    ...table(reply),
    '',
    ...(typeof topLevel === 'object'
      ? ['And at the top level of the reply:', '', ...table(fieldsOf(topLevel)), '']
      : []),
    ...(events.length === 0 ? [] : [`Emits ${codes(events.map(({ type }) => type))}.`, '']),
    ...(errors.length === 0 ? [] : [`Errors: ${codes([...new Set(errors)].sort())}.`, '']),
  ];
}

function takes(fields: readonly Field[]): string[] {
  const references = Object.keys(modelReference);
  const takesModel = references.every((name) => fields.some((field) => field.name === name));
  const others = takesModel ? fields.filter(({ name }) => !references.includes(name)) : fields;
  if (others.length === 0) return [takesModel ? 'Takes *a model*.' : 'Takes no fields.', ''];
  return [takesModel ? 'Takes *a model*, and:' : 'Takes:', '', ...table(others), ''];
}

function event(
  { type, summary, payload, coalescedBy }: EventDeclaration,
  actions: readonly ActionDeclaration[],
): string[] {
  const emitters = actions.filter(({ events }) => events.some((each) => each.type === type)).map(({ name }) => name);
  return [
    `### ${type}`,
    '',
    summary,
    '',
    ...(emitters.length === 0 ? [] : [`Emitted by ${codes(emitters)}.`]),
    coalescedBy === undefined
      ? 'Every event is delivered.'
      : 'If the client reads slowly, a new event replaces a queued one.',
    '',
    ...table(fieldsOf(payload)),
    '',
  ];
}

function fieldsOfEntries(entries: Readonly<Record<string, Schema>>): Field[] {
  return fieldsOf({ type: 'object', entries } as unknown as Schema);
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function table(fields: readonly Field[]): string[] {
  return ['| field | type | description |', '|---|---|---|', ...rows(fields, '')];
}

function rows(fields: readonly Field[], prefix: string): string[] {
  return fields.flatMap(({ name, isOptional, type, description, fields }) => [
    `| \`${prefix}${name}\`${isOptional ? ' (optional)' : ''} | ${type} | ${description.replaceAll('|', '\\|').replace(/^Extension:/, '*Extension*:')} |`,
    ...rows(fields, `${prefix}${name}.`),
  ]);
}
