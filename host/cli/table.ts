import { BROWSER_NAMES } from '../../manifests/browser.ts';
import { SEARCH_SORTS } from '../protocol/actions/repos.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './spec.ts';

const MODEL: ArgumentSpec = {
  name: 'MODEL',
  summary: 'a model id (owner/name/file.gguf), or a short name that only one model has',
  completes: 'model',
};

const CONTEXT: OptionSpec = {
  name: 'context',
  value: 'TOKENS',
  summary: 'context size; as large as is sensible here without it',
};

/** Every command. Help, completions, the man page and suggestions are made from this table. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'pull',
    summary: 'Download a model',
    details:
      'What was fetched stays when the command is interrupted, and the next one goes on\nwith it. The file is checked against the checksum the hub announced.',
    args: [MODEL, { name: 'FILE', summary: 'a file of the repository, where MODEL is one', optional: true }],
    options: [
      { name: 'revision', value: 'NAME', summary: 'branch, tag or commit; main without it' },
      { name: 'max-speed', value: 'SIZE', summary: 'stay below so much a second, such as 5MB' },
    ],
    examples: [
      { command: 'tabagent pull Qwen/Qwen3-0.6B-GGUF Qwen3-0.6B-Q8_0.gguf', does: 'one file of a repository' },
      { command: 'tabagent pull Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf', does: 'the same' },
      { command: 'tabagent pull Qwen/Qwen3-8B-GGUF:Q5_K_M', does: 'by its quantization' },
      { command: 'tabagent pull Qwen/Qwen3-8B-GGUF', does: 'Q4_K_M, or what fits here' },
    ],
    actions: ['DOWNLOAD_MODEL', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/pull.ts'),
  },
  {
    name: 'ls',
    summary: 'List models',
    args: [],
    options: [
      { name: 'all', short: 'a', summary: 'also those that are offered and not downloaded' },
      { name: 'ids', summary: 'ids only, one a line' },
      { name: 'downloads', summary: 'unfinished downloads instead' },
    ],
    examples: [
      { command: 'tabagent ls', does: 'what is on the disk' },
      { command: 'tabagent ls --json | jq -r ".models[].id"', does: 'the same as --ids' },
    ],
    actions: ['GET_DOWNLOADED_MODELS', 'GET_AVAILABLE_MODELS', 'GET_ACTIVE_DOWNLOADS'],
    load: () => import('./commands/ls.ts'),
  },
  {
    name: 'import',
    summary: 'Use a model file of yours where it lies',
    details:
      'Nothing is copied, and the file is never changed or deleted; "tabagent rm" only forgets\nit. Of a model in several parts, any part will do. Model files of other programs are\nfound by themselves, as are those in the folders named in config.json.',
    args: [{ name: 'FILE', summary: 'a GGUF file', completes: 'file' }],
    options: [],
    examples: [
      { command: 'tabagent import ~/models/mine.gguf', does: 'and it is on the list as local/import/mine.gguf' },
    ],
    actions: ['IMPORT_MODEL'],
    load: () => import('./commands/import.ts'),
  },
  {
    name: 'ps',
    summary: 'List the models in memory',
    details:
      'Those of every host of this user on this machine: a browser starts a host of its own, and\n"tabagent run" is one.',
    args: [],
    options: [],
    examples: [{ command: 'tabagent ps', does: 'with what each takes, and the process id of its host' }],
    actions: ['LIST_HOSTS'],
    load: () => import('./commands/ps.ts'),
  },
  {
    name: 'show',
    summary: 'Say what is known of a model, and how it would run here',
    args: [MODEL],
    options: [CONTEXT],
    examples: [{ command: 'tabagent show Qwen3-0.6B-Q8_0', does: 'a model on the disk, by its short name' }],
    actions: ['GET_DOWNLOADED_MODELS', 'GET_AVAILABLE_MODELS', 'RECOMMEND_SPLIT', 'GET_DOWNLOAD_STATUS'],
    load: () => import('./commands/show.ts'),
  },
  {
    name: 'prune',
    summary: 'Make room: abandoned downloads, and models used longest ago',
    details:
      'Only says what would go, until it is told --yes. Models that are loaded, pinned or being\ndownloaded stay.',
    args: [],
    options: [
      { name: 'yes', summary: 'remove it' },
      { name: 'days', value: 'NUMBER', summary: 'downloads nobody went on with for so many days; 30 without it' },
      { name: 'to', value: 'SIZE', summary: 'models too, until the cache has so much; your own limit without it' },
    ],
    examples: [
      { command: 'tabagent prune', does: 'says what would go' },
      { command: 'tabagent prune --to 50GB --yes', does: 'and has it go' },
    ],
    actions: ['PRUNE_CACHE'],
    load: () => import('./commands/prune.ts'),
  },
  {
    name: 'move',
    summary: 'Move models and unfinished downloads to another folder or disk',
    details:
      'Killed half way, everything is where it was, or where it should be, at the next start.\nClose every browser that uses TabAgent first. The data folder moves it back.',
    args: [{ name: 'FOLDER', summary: 'made where it is not there', completes: 'folder' }],
    options: [],
    examples: [{ command: 'tabagent move /mnt/large/tabagent', does: 'models lie on another disk from now on' }],
    actions: ['MOVE_CACHE'],
    load: () => import('./commands/move.ts'),
  },
  {
    name: 'rm',
    summary: 'Delete models from the disk',
    args: [{ ...MODEL, many: true }],
    options: [],
    examples: [{ command: 'tabagent rm Qwen3-0.6B-Q8_0', does: 'and says how much space that gave back' }],
    actions: ['DELETE_MODEL', 'GET_DOWNLOADED_MODELS', 'GET_ACTIVE_DOWNLOADS'],
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'run',
    summary: 'Talk with a model in the terminal',
    details:
      'Loads the model, downloading it first where it is not here. With PROMPT, or with a\nprompt on stdin, it prints one answer and ends; otherwise it is a conversation.\nCtrl-C stops the answer, a second one leaves. With --json: one line for each event.',
    args: [MODEL, { name: 'PROMPT', summary: 'what to say', optional: true, many: true }],
    options: [
      { name: 'system', value: 'TEXT', summary: 'what the model is told about its part' },
      { name: 'temperature', value: 'NUMBER', summary: '0 for the likeliest words; the kept setting without it' },
      { name: 'max-tokens', value: 'NUMBER', summary: 'longest answer' },
      { name: 'seed', value: 'NUMBER', summary: 'the same seed gives the same answer' },
      CONTEXT,
      { name: 'gpu-layers', value: 'NUMBER', summary: 'layers on the GPU; -1 for all, the best split without it' },
      { name: 'threads', value: 'NUMBER', summary: 'CPU threads; by the physical cores without it' },
    ],
    examples: [
      { command: 'tabagent run Qwen3-0.6B-Q8_0', does: 'a conversation' },
      { command: "tabagent run Qwen3-0.6B-Q8_0 'Why is the sky blue?'", does: 'one answer' },
      { command: 'cat letter.txt | tabagent run Qwen3-0.6B-Q8_0 --system "Correct the spelling."', does: 'in a pipe' },
    ],
    actions: ['LOAD_MODEL', 'GENERATE', 'STOP_GENERATION', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'fit',
    summary: 'Say whether a model would fit this machine, and how to split it',
    details: 'Of a model that is not downloaded, only the header is fetched.',
    args: [MODEL],
    options: [CONTEXT],
    examples: [{ command: 'tabagent fit Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf', does: 'without downloading it' }],
    actions: ['RECOMMEND_SPLIT', 'GET_SYSTEM_RESOURCES', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/fit.ts'),
  },
  {
    name: 'search',
    summary: 'Find repositories with GGUF models on the hub',
    args: [{ name: 'WORDS', summary: 'what to look for', many: true }],
    options: [
      { name: 'sort', value: 'BY', choices: SEARCH_SORTS, summary: 'the most first; downloads without it' },
      { name: 'limit', value: 'NUMBER', summary: 'at most so many; 20 without it' },
    ],
    examples: [{ command: 'tabagent search qwen3 8b', does: 'the most downloaded first' }],
    actions: ['SEARCH_MODELS'],
    load: () => import('./commands/search.ts'),
  },
  {
    name: 'files',
    summary: 'List the models of a repository, and which of them fit here',
    details:
      'With sizes, the parts of a model as one, and the model that is taken where no file is\nnamed: Q4_K_M, or the largest smaller one that fits the memory that is free.',
    args: [{ name: 'REPOSITORY', summary: 'owner/name' }],
    options: [{ name: 'revision', value: 'NAME', summary: 'branch, tag or commit; main without it' }],
    examples: [{ command: 'tabagent files Qwen/Qwen3-8B-GGUF', does: 'before pulling one' }],
    actions: ['LIST_REPO_FILES'],
    load: () => import('./commands/files.ts'),
  },
  {
    name: 'verify',
    summary: 'Check models on the disk against what the hub announced',
    details:
      'Every byte is read and compared with what was recorded when the model was downloaded, or\nwith what the hub says where that record is lost. Exits with 1 when something is bad;\n"tabagent repair" mends it.',
    args: [{ ...MODEL, optional: true }],
    options: [],
    examples: [
      { command: 'tabagent verify', does: 'every model' },
      { command: 'tabagent verify Qwen3-0.6B-Q8_0', does: 'one' },
    ],
    actions: ['VERIFY_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'repair',
    summary: 'Mend models on the disk, fetching only what is bad',
    args: [{ ...MODEL, optional: true }],
    options: [],
    examples: [{ command: 'tabagent repair', does: 'whatever needs it' }],
    actions: ['REPAIR_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/repair.ts'),
  },
  {
    name: 'cache',
    summary: 'Say what the models take, and pin those that are to stay',
    args: [
      { name: 'WHAT', summary: 'what to do; stats without it', choices: ['stats', 'pin', 'unpin'], optional: true },
      { ...MODEL, optional: true },
    ],
    options: [],
    examples: [
      { command: 'tabagent cache', does: 'how much, on which disk, used when' },
      { command: 'tabagent cache pin Qwen3-0.6B-Q8_0', does: 'never pruned to make room' },
    ],
    actions: ['GET_CACHE_STATS', 'PIN_MODEL', 'UNPIN_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/cache.ts'),
  },
  {
    name: 'conversations',
    summary: 'Write the conversations to a file, or take them from one',
    details:
      'As JSON lines, a conversation or message each. What is imported twice is there once; of\ntwo versions the later one holds, and what was deleted later stays deleted.',
    args: [
      { name: 'WHAT', summary: 'what to do', choices: ['export', 'import'] },
      { name: 'FILE', summary: 'stdout without it; - for stdin or stdout', optional: true, completes: 'file' },
    ],
    options: [],
    examples: [
      { command: 'tabagent conversations export chats.jsonl', does: 'a file only its user can read' },
      { command: 'tabagent conversations import chats.jsonl', does: 'here, or on another machine' },
      { command: 'tabagent conversations export | grep boat', does: 'in a pipe' },
    ],
    actions: ['EXPORT_CONVERSATIONS', 'IMPORT_CONVERSATIONS'],
    load: () => import('./commands/conversations.ts'),
  },
  {
    name: 'scan',
    summary: 'List the models that other programs on this machine hold',
    details: 'They are used where they lie: never copied, never deleted.',
    args: [],
    options: [],
    examples: [{ command: 'tabagent scan', does: 'those of llama.cpp, LM Studio, Ollama and others' }],
    actions: ['SCAN_LOCAL_MODELS'],
    load: () => import('./commands/scan.ts'),
  },
  {
    name: 'call',
    summary: 'Send any action to the host and print its reply',
    details:
      'The reply goes to stdout as JSON, progress events to stderr; with --events both\ngo to stdout, as JSON lines. FIELDS may be "-": then they are read from stdin.',
    args: [
      { name: 'ACTION', summary: 'such as GET_SYSTEM_RESOURCES, in any case', completes: 'action' },
      { name: 'FIELDS', summary: 'the fields of the request, a JSON object', optional: true },
    ],
    options: [{ name: 'events', summary: 'print every event as a JSON line, and the reply as the last one' }],
    examples: [
      { command: 'tabagent call ping', does: 'version and process id' },
      { command: `tabagent call recommend_split '{"modelSize": 4000000000}'`, does: 'with fields' },
    ],
    actions: [],
    load: () => import('./commands/call.ts'),
  },
  {
    name: 'doctor',
    summary: 'Say what works and what does not, with the mend for each',
    details:
      'Looks at the data folder, the cache, each browser (its manifest, and whether the\nprogram it names answers), the hub and llama.cpp, and has a small model that is\nmade on the spot say what it must say.',
    args: [],
    options: [],
    examples: [
      { command: 'tabagent doctor', does: 'exits with 1 when something needs mending' },
      { command: 'tabagent doctor --json', does: 'every finding with its check, status, message and mend' },
    ],
    actions: [
      'GET_DOWNLOADED_MODELS',
      'GET_PARAMS',
      'GET_SYSTEM_RESOURCES',
      'RECOMMEND_SPLIT',
      'LOAD_MODEL',
      'GENERATE',
      'UNLOAD_MODEL',
    ],
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'install',
    summary: 'Register the host with the browsers of this machine',
    details:
      'So that the TabAgent extension can start it. Running it again is safe, and brings\nup to date what an earlier version wrote.',
    args: [],
    options: [
      {
        name: 'browser',
        value: 'NAME',
        choices: BROWSER_NAMES,
        many: true,
        summary: 'instead of every browser that is found, one of',
      },
      { name: 'extension-id', value: 'ID', many: true, summary: 'allow this extension as well' },
      { name: 'system', summary: 'for all users of this machine (as administrator)' },
    ],
    examples: [
      { command: 'tabagent install', does: 'for every browser that is found' },
      { command: 'tabagent install --browser firefox --browser chrome', does: 'for these two' },
      { command: 'sudo tabagent install --system', does: 'for all users' },
    ],
    actions: [],
    load: () => import('./commands/install.ts'),
  },
  {
    name: 'uninstall',
    summary: 'Take back exactly what "tabagent install" wrote',
    details: 'A file that was changed since is left and named. Models and settings stay unless asked for.',
    args: [],
    options: [
      { name: 'system', summary: 'what was written for all users (as administrator)' },
      { name: 'models', summary: 'also delete the models, settings, conversations and logs of this user' },
    ],
    examples: [
      { command: 'tabagent uninstall', does: 'the browsers no longer find the host' },
      { command: 'tabagent uninstall --models', does: 'nothing of TabAgent is left' },
    ],
    actions: [],
    load: () => import('./commands/uninstall.ts'),
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell',
    args: [{ name: 'SHELL', summary: 'the shell', choices: ['bash', 'zsh', 'fish', 'powershell'] }],
    options: [],
    examples: [
      { command: 'source <(tabagent completion bash)', does: 'for this bash; put it into ~/.bashrc for all' },
      { command: 'tabagent completion zsh > ~/.zfunc/_tabagent', does: 'zsh, with ~/.zfunc in fpath' },
      { command: 'tabagent completion fish | source', does: 'fish' },
      { command: 'tabagent completion powershell | Out-String | Invoke-Expression', does: 'PowerShell' },
    ],
    actions: [],
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'version',
    summary: 'Print the version',
    args: [],
    options: [],
    examples: [{ command: 'tabagent version --json', does: 'with those of Node and the platform' }],
    actions: [],
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'help',
    summary: 'Say how a command is used',
    args: [{ name: 'COMMAND', summary: 'one of the commands', optional: true, completes: 'command' }],
    options: [],
    examples: [{ command: 'tabagent help pull', does: 'the same as "tabagent pull --help"' }],
    actions: [],
    load: () => import('./commands/help.ts'),
  },
];

/** The command of a name. */
export function commandOf(name: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
