import { join } from 'node:path';
import { LOCAL_ONLY_ACTIONS } from '../../host/protocol/actions/local-only.ts';
import { PAYLOAD_SCHEMAS } from '../../host/protocol/actions/payloads.ts';
import { type ActionName, REQUEST_SCHEMAS } from '../../host/protocol/actions/requests.ts';
import { ACTION_SUMMARIES } from '../../host/protocol/actions/summaries.ts';
import { COALESCED_EVENTS } from '../../host/protocol/coalesced-events.ts';
import { ERROR_CODES } from '../../host/protocol/errors.ts';
import { modelNaming } from '../../host/protocol/fields.ts';
import { MAX_REPLY_BYTES, MAX_REQUEST_BYTES, PROGRESS_INTERVAL_MS } from '../../host/protocol/limits.ts';
import { type Comments, readComments } from './comments.ts';
import { type Field, fieldsOf, type Schema } from './describe-schema.ts';

/** Where shared fields are declared. */
const SHARED = [
  'embedding',
  'embeddedPayload',
  'scored',
  'modelNaming',
  'paging',
  'pagedPayload',
  'userId',
  'conversationNaming',
  'keptEntries',
];

/** The reference as Markdown, from the schemas the host itself checks with and the comments beside them. */
export function reference(root: string): string {
  const protocol = join(root, 'host', 'protocol');
  const comments = readComments([protocol, join(protocol, 'actions')]);
  const names = Object.keys(REQUEST_SCHEMAS) as ActionName[];
  return `${[
    '# Reference',
    'Every action, field, event, limit and error code of the host. This page is made by `npm run docs` from the schemas',
    'in this folder, and the tests fail where it is stale. How messages travel stands in the [README](../../README.md).',
    '',
    ...limits(),
    '## Naming a model',
    '',
    'Where a request says *a model*, it names one by `modelPath` and `modelFile`, or by `modelPath` alone as a whole id',
    '`owner/name/file.gguf`. These fields are taken:',
    '',
    ...table(fieldsOf({ type: 'object', entries: modelNaming as never }), comments, ['modelNaming']),
    '',
    '## Actions',
    '',
    ...names
      .map((name) => `[${name}](#${name.toLowerCase()})`)
      .join(' · ')
      .split('\n'),
    '',
    ...names.flatMap((name) => action(name, comments)),
    ...events(comments),
    '## Error codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  ].join('\n')}\n`;
}

function limits(): string[] {
  const MiB = 1024 * 1024;
  return [
    '## Limits',
    '',
    '| what | limit |',
    '|---|---|',
    `| a frame to the host | ${MAX_REQUEST_BYTES / MiB} MiB |`,
    `| a frame from the host | ${MAX_REPLY_BYTES / MiB} MiB; longer lists come in pages (\`limit\`, \`cursor\`, \`nextCursor\`) |`,
    `| progress events of one piece of work | one each ${PROGRESS_INTERVAL_MS} ms, and always the last |`,
    '',
  ];
}

function action(name: ActionName, comments: Comments): string[] {
  const request = fieldsOf(REQUEST_SCHEMAS[name] as unknown as Schema);
  const payload = fieldsOf(PAYLOAD_SCHEMAS[name] as unknown as Schema);
  const naming = Object.keys(modelNaming);
  const namesAModel = naming.every((field) => request.some((each) => each.name === field));
  const own = namesAModel ? request.filter((field) => !naming.includes(field.name)) : request;
  const owners = [declared(name, 'Request'), ...SHARED];
  return [
    `### ${name}`,
    '',
    `${ACTION_SUMMARIES[name]}${LOCAL_ONLY_ACTIONS.includes(name) ? ' A browser is refused: `LOCAL_ONLY`.' : ''}`,
    '',
    takes(namesAModel, own.length > 0),
    '',
    ...(own.length === 0 ? [] : [...table(own, comments, owners), '']),
    ...(payload.length === 0
      ? []
      : ['Answers in `payload`:', '', ...table(payload, comments, [declared(name, 'Payload'), ...SHARED]), '']),
  ];
}

function takes(namesAModel: boolean, hasMore: boolean): string {
  if (!namesAModel) return hasMore ? 'Takes:' : 'Takes no fields.';
  return hasMore ? 'Takes *a model*, and:' : 'Takes *a model*.';
}

/** `DOWNLOAD_MODEL` is declared as `DownloadModelRequest` and `DownloadModelPayload`. */
function declared(name: ActionName, kind: string): string {
  return name.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase()) + kind;
}

function table(fields: readonly Field[], comments: Comments, owners: readonly string[]): string[] {
  return ['| field | type | |', '|---|---|---|', ...rows(fields, comments, owners, '')];
}

function rows(fields: readonly Field[], comments: Comments, owners: readonly string[], prefix: string): string[] {
  return fields.flatMap((field) => {
    const about = comments.ofField(owners, field.name)?.replaceAll('|', '\\|') ?? '';
    return [
      `| \`${prefix}${field.name}\`${field.isOptional ? ' (optional)' : ''} | ${field.type} | ${about} |`,
      ...rows(field.fields, comments, owners, `${prefix}${field.name}.`),
    ];
  });
}

function events(comments: Comments): string[] {
  const types = new Map(comments.interfaceOf('EventPayloads').map(({ name, type }) => [name, type]));
  return [
    '## Events',
    '',
    'An event is `{"type", "payload", "requestId"}`, with the id of the request it belongs to.',
    '',
    ...Object.entries(COALESCED_EVENTS).flatMap(([event, replacedBy]) => {
      const payload = types.get(event) ?? '';
      const fate =
        replacedBy === null
          ? 'Every one is delivered.'
          : 'To a client that reads slowly, the newest replaces those that wait.';
      return [
        `### ${event}`,
        '',
        `${comments.ofField(['EventPayloads'], event) ?? ''} ${fate}`.trim(),
        '',
        '| field | type | |',
        '|---|---|---|',
        ...comments.interfaceOf(payload).map(({ name, isOptional, type }) => {
          const about = comments.ofField([payload], name)?.replaceAll('|', '\\|') ?? '';
          return `| \`${name}\`${isOptional ? ' (optional)' : ''} | \`${type.replaceAll('|', '\\|')}\` | ${about} |`;
        }),
        '',
      ];
    }),
  ];
}
