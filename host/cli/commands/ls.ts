import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes, formatDay } from '../../common/format.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { MODEL_SOURCES } from '../../protocol/model-sources.ts';
import { type CommandContext, print } from '../context.ts';
import { printable, table } from '../terminal/text.ts';

type DownloadedModel = PayloadOf<'GET_DOWNLOADED_MODELS'>['models'][number];

/** `tabagent ls`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  if (input.flag('downloads')) return listDownloads(context);
  if (input.flag('outdated')) return listOutdated(context);
  const ids = input.flag('ids');
  const onDisk = await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models, { partial: ids ? undefined : true });
  const offered = input.flag('all') ? await client.all('GET_AVAILABLE_MODELS', ({ models }) => models) : [];
  const listed = new Set(onDisk.map(({ id }) => id));
  const models = [...onDisk, ...offered.filter(({ id, downloaded }) => !downloaded && !listed.has(id))];
  const hasPartial = onDisk.some(({ partial }) => partial !== undefined);
  if (ids && !input.flag('json')) {
    terminal.stdout.write(models.map(({ id }) => `${printable(id)}\n`).join(''));
    return EXIT.ok;
  }
  const isForeign = ({ source }: (typeof models)[number]) => (MODEL_SOURCES as readonly string[]).includes(source);
  const hasForeign = models.some(isForeign);
  const hasKinds = onDisk.some(({ kind }) => kind !== undefined);
  print(context, { models }, () =>
    models.length === 0
      ? ''
      : table([
          [
            'MODEL',
            'SIZE',
            ...(input.flag('all') ? ['DOWNLOADED'] : []),
            ...(hasKinds ? ['KIND'] : []),
            ...(hasForeign ? ['SOURCE'] : []),
            ...(hasPartial ? ['STATE'] : []),
          ],
          ...models.map((model) => [
            partialOf(model)?.updateOf ?? model.id,
            'size' in model && typeof model.size === 'number' ? formatBytes(model.size) : `${model.size_gb} GB`,
            ...(input.flag('all') ? [model.downloaded ? 'yes' : 'no'] : []),
            ...(hasKinds ? [kindOf(model)] : []),
            ...(hasForeign ? [isForeign(model) ? model.source : ''] : []),
            ...(hasPartial ? [stateOf(model)] : []),
          ]),
        ]),
  );
  if (models.length === 0) {
    terminal.stderr.write(
      'No models are downloaded. Run "tabagent ls --all" to list available models, or "tabagent pull MODEL" to download one.\n',
    );
  }
  return EXIT.ok;
}

/** Returns the kind of a file and, for an adapter, its base model. */
function kindOf(model: object): string {
  const { kind = 'model', baseModel } = model as Partial<DownloadedModel>;
  const base = baseModel?.repoId ?? baseModel?.name;
  return base === undefined ? kind : `${kind} for ${base}`;
}

/** Returns the status and progress of an unfinished download. */
function stateOf(model: object): string {
  const partial = partialOf(model);
  if (partial === undefined) return '';
  return `${partial.updateOf === undefined ? '' : 'update '}${partial.status}, ${partial.progress} %`;
}

function partialOf(model: object): DownloadedModel['partial'] {
  return (model as Partial<DownloadedModel>).partial;
}

async function listOutdated(context: CommandContext): Promise<number> {
  const compared = await context.client.all('CHECK_UPDATES', ({ models }) => models);
  const outdated = compared.filter(({ state }) => state === 'newer');
  const hasDates = outdated.some(({ changedAt }) => changedAt !== null);
  const undecided = compared.filter(({ reason }) => reason !== undefined);
  print(context, { models: compared }, () =>
    outdated.length === 0
      ? ''
      : table([
          ['MODEL', 'SIZE', 'NEW SIZE', ...(hasDates ? ['CHANGED'] : [])],
          ...outdated.map(({ modelId, size, newSize, changedAt }) => [
            modelId,
            formatBytes(size),
            formatBytes(newSize ?? 0),
            ...(hasDates ? [changedAt === null ? '' : formatDay(changedAt)] : []),
          ]),
        ]),
  );
  const { stderr } = context.terminal;
  for (const { modelId, reason } of undecided) stderr.write(printable(`${modelId}: ${reason}\n`));
  if (outdated.length === 0) stderr.write('No downloaded model has a newer file on the hub.\n');
  else stderr.write('Run "tabagent pull --update MODEL" to download the newer file.\n');
  return EXIT.ok;
}

async function listDownloads(context: CommandContext): Promise<number> {
  const downloads = await context.client.all('GET_ACTIVE_DOWNLOADS', ({ downloads }) => downloads);
  print(context, { downloads }, () =>
    downloads.length === 0
      ? ''
      : table([
          ['MODEL', 'STATE', 'PROGRESS', 'SIZE'],
          ...downloads.map(({ modelId, updateOf, status, progress, total }) => [
            updateOf ?? modelId,
            updateOf === undefined ? status : `update ${status}`,
            `${progress} %`,
            formatBytes(total),
          ]),
        ]),
  );
  if (downloads.length === 0) context.terminal.stderr.write('No unfinished downloads.\n');
  return EXIT.ok;
}
