import { BROWSER_NAMES } from '../../manifests/browser.ts';
import { SEARCH_SORTS } from '../protocol/actions/repos.ts';
import { REASONING_LEVELS } from '../protocol/actions/settings.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './spec.ts';

const MODEL: ArgumentSpec = {
  name: 'MODEL',
  summary: 'model ID (owner/name/file.gguf) or an unambiguous short name',
  completes: 'model',
};

/** What `tabagent chat` does. */
const CHAT_SUBCOMMANDS = ['list', 'show', 'rm', 'search', 'export', 'import'];

const CONTEXT: OptionSpec = {
  name: 'context',
  value: 'TOKENS',
  summary: 'context length in tokens (default: chosen for the available memory)',
};

/** Settings with which a model is loaded. `loadSettingsOf` reads them. */
const LOAD_OPTIONS: readonly OptionSpec[] = [
  CONTEXT,
  {
    name: 'gpu-layers',
    value: 'NUMBER',
    summary: 'layers on the GPU; -1 for as many as fit (default: chosen for the available memory)',
  },
  { name: 'threads', value: 'NUMBER', summary: 'CPU threads (default: based on the number of physical cores)' },
  {
    name: 'device',
    value: 'GPU',
    many: true,
    summary: 'GPU to use, by its name in GET_SYSTEM_RESOURCES; "none" for the CPU alone (default: all)',
  },
  {
    name: 'lora',
    value: 'ADAPTER',
    many: true,
    completes: 'file',
    summary: 'LoRA adapter, a file or a downloaded one, with :SCALE unless that is 1; "none" for none',
  },
  {
    name: 'draft-model',
    value: 'MODEL',
    completes: 'model',
    summary: 'smaller downloaded model with the same vocabulary that drafts tokens; "none" for none',
  },
];

/** Every command. Help, completions, the man page and suggestions are made from this table. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'pull',
    summary: 'Download a model',
    details:
      'An interrupted download is kept; run the command again to resume it. The file is verified\nagainst the checksum published by the Hugging Face Hub.',
    args: [MODEL, { name: 'FILE', summary: 'file in the repository, if MODEL is a repository', optional: true }],
    options: [
      { name: 'revision', value: 'NAME', summary: 'branch, tag or commit (default: main)' },
      { name: 'max-speed', value: 'SIZE', summary: 'maximum download speed per second, such as 5MB' },
      { name: 'quantization', value: 'NAME', summary: 'quantization of a repository, such as Q5_K_M' },
      { name: 'update', summary: 'replace a downloaded model where the hub has a newer file' },
    ],
    examples: [
      { command: 'tabagent pull Qwen/Qwen3-0.6B-GGUF Qwen3-0.6B-Q8_0.gguf', does: 'download one file of a repository' },
      { command: 'tabagent pull Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf', does: 'the same, as a model ID' },
      { command: 'tabagent pull Qwen/Qwen3-8B-GGUF:Q5_K_M', does: 'choose a quantization' },
      { command: 'tabagent pull Qwen/Qwen3-8B-GGUF', does: 'choose Q4_K_M, or the largest smaller one that fits' },
    ],
    actions: ['DOWNLOAD_MODEL', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/pull.ts'),
  },
  {
    name: 'ls',
    summary: 'List downloaded models and unfinished downloads',
    args: [],
    options: [
      { name: 'all', short: 'a', summary: 'include available models that are not downloaded' },
      { name: 'ids', summary: 'print only model IDs, one per line' },
      { name: 'downloads', summary: 'list unfinished downloads instead' },
      { name: 'outdated', summary: 'list models with a newer file on the Hugging Face Hub instead' },
    ],
    examples: [
      { command: 'tabagent ls', does: 'list downloaded models' },
      { command: 'tabagent ls --json | jq -r ".models[].id"', does: 'print IDs, also of unfinished downloads' },
    ],
    actions: ['GET_DOWNLOADED_MODELS', 'GET_AVAILABLE_MODELS', 'GET_ACTIVE_DOWNLOADS', 'CHECK_UPDATES'],
    load: () => import('./commands/ls.ts'),
  },
  {
    name: 'import',
    summary: 'Register a model file without copying it',
    details:
      'The file stays where it is and is never changed or deleted; "tabagent rm" only removes\nthe registration. For a model split into several files, name any of them. Models of other\nprograms, and models in the folders listed in config.json, are found automatically.',
    args: [{ name: 'FILE', summary: 'GGUF file', completes: 'file' }],
    options: [],
    examples: [{ command: 'tabagent import ~/models/mine.gguf', does: 'list it as local/import/mine.gguf' }],
    actions: ['IMPORT_MODEL'],
    load: () => import('./commands/import.ts'),
  },
  {
    name: 'serve',
    summary: 'Serve models to programs on this computer, with an OpenAI-compatible API',
    details:
      'Answers until it is stopped with Ctrl-C. A program needs the base URL, which is\nhttp://127.0.0.1:11533/v1 unless you choose another port, and the key, which "tabagent serve\n--show-key" prints. Every downloaded model can be named; it is loaded when it is first used.\nOnly programs on this computer can connect, and web pages only from origins that you allow.\n\nEnter them as the settings of an OpenAI-compatible provider:\n  openai (Python, JavaScript)  OPENAI_BASE_URL and OPENAI_API_KEY in the environment\n  Vercel AI SDK                createOpenAICompatible({ name: "tabagent", baseURL, apiKey })\n  LangChain                    ChatOpenAI(base_url=..., api_key=..., model=...)\n  Continue (config.yaml)       provider: openai, apiBase, apiKey, model\n  Open WebUI                   Settings > Connections > OpenAI API\n  Zed, Cline, Roo Code, Aider  provider "OpenAI compatible": base URL, API key and model ID\n  curl                         -H "Authorization: Bearer KEY" URL/models',
    args: [],
    options: [
      { name: 'port', value: 'NUMBER', summary: 'port to listen on; 0 for any that is free (default: 11533)' },
      { name: 'host', value: 'ADDRESS', summary: 'loopback address to listen on (default: 127.0.0.1)' },
      {
        name: 'allow-origin',
        value: 'ORIGIN',
        many: true,
        summary: 'let web pages of this origin call it, such as http://localhost:3000',
      },
      {
        name: 'keep-alive',
        value: 'SECONDS',
        summary: 'unload a model after this time without use; -1 for never (default: 1800)',
      },
      { name: 'show-key', summary: 'print the key and exit' },
      { name: 'new-key', summary: 'replace the key, print the new one and exit' },
      { name: 'install', summary: 'start it with these options at every login' },
      { name: 'uninstall', summary: 'no longer start it at login' },
    ],
    examples: [
      { command: 'tabagent serve', does: 'serve until Ctrl-C' },
      { command: 'tabagent serve --port 0 --json', does: 'print {"url": ..., "key": ...} as the first line' },
      { command: 'tabagent serve --install', does: 'start it at every login' },
      {
        command: 'OPENAI_API_KEY=$(tabagent serve --show-key) OPENAI_BASE_URL=http://127.0.0.1:11533/v1 python app.py',
        does: 'run a program with it',
      },
    ],
    actions: [
      'PING',
      'GENERATE',
      'GENERATE_EMBEDDINGS',
      'RERANK_DOCUMENTS',
      'LOAD_MODEL',
      'GET_LOADED_MODELS',
      'GET_CURRENT_MODEL',
      'GET_DOWNLOADED_MODELS',
    ],
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'ps',
    summary: 'List loaded models',
    details:
      'Includes the models of all host processes of this user: each browser starts its own, and\n"tabagent run" is one, too.',
    args: [],
    options: [],
    examples: [{ command: 'tabagent ps', does: 'show memory use and the process ID of each host' }],
    actions: ['LIST_HOSTS'],
    load: () => import('./commands/ps.ts'),
  },
  {
    name: 'load',
    summary: 'Load a model in the running "tabagent serve"',
    details:
      'The model stays loaded until it is unloaded, for browsers, other programs and\n"tabagent run". Fails if "tabagent serve" is not running.',
    args: [MODEL],
    options: [
      ...LOAD_OPTIONS,
      {
        name: 'keep-alive',
        value: 'SECONDS',
        summary: 'unload the model after this time without use; -1 for never (default: -1)',
      },
    ],
    examples: [
      { command: 'tabagent load Qwen3-0.6B-Q8_0', does: 'load a model, so that the first answer starts at once' },
    ],
    actions: ['LOAD_MODEL', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/load.ts'),
  },
  {
    name: 'unload',
    summary: 'Unload models from memory',
    details: 'Works whichever browser or program loaded the model. Each of them can load it again.',
    args: [{ ...MODEL, summary: 'loaded model, as "tabagent ps" lists it, or a short name', many: true }],
    options: [],
    examples: [{ command: 'tabagent unload Qwen3-0.6B-Q8_0', does: 'free the memory of a model' }],
    actions: ['UNLOAD_MODEL', 'LIST_HOSTS'],
    load: () => import('./commands/unload.ts'),
  },
  {
    name: 'stop',
    summary: 'Stop all answers that are being generated',
    details:
      'Works whichever browser or program asked for the answer. The text generated so far is\nkept. Models stay loaded.',
    args: [{ ...MODEL, summary: 'stop only the answers of this model', optional: true }],
    options: [],
    examples: [{ command: 'tabagent stop', does: 'stop all answers' }],
    actions: ['STOP_GENERATION', 'LIST_HOSTS'],
    load: () => import('./commands/stop.ts'),
  },
  {
    name: 'show',
    summary: 'Show details of a model and how it would run on this computer',
    args: [MODEL],
    options: [CONTEXT],
    examples: [{ command: 'tabagent show Qwen3-0.6B-Q8_0', does: 'show a downloaded model, by its short name' }],
    actions: [
      'GET_DOWNLOADED_MODELS',
      'GET_AVAILABLE_MODELS',
      'RECOMMEND_SPLIT',
      'GET_DOWNLOAD_STATUS',
      'GET_MODEL_SETTINGS',
    ],
    load: () => import('./commands/show.ts'),
  },
  {
    name: 'prune',
    summary: 'Free up disk space by removing abandoned downloads and least recently used models',
    details:
      'Lists what would be removed; add --yes to remove it. Models that are loaded, pinned or\nbeing downloaded are never removed.',
    args: [],
    options: [
      { name: 'yes', summary: 'remove what is listed' },
      { name: 'dry-run', summary: 'only list what would be removed (default)' },
      { name: 'days', value: 'NUMBER', summary: 'remove downloads not resumed for this many days (default: 30)' },
      {
        name: 'to',
        value: 'SIZE',
        summary: 'also remove models until the cache is no larger than this (default: your size limit)',
      },
    ],
    examples: [
      { command: 'tabagent prune', does: 'list what would be removed' },
      { command: 'tabagent prune --to 50GB --yes', does: 'shrink the cache to 50 GB' },
    ],
    actions: ['PRUNE_CACHE'],
    load: () => import('./commands/prune.ts'),
  },
  {
    name: 'move',
    summary: 'Move models and unfinished downloads to another folder or disk',
    details:
      'Close every browser that uses TabAgent first. An interrupted move is completed or undone\nthe next time the host starts. To move everything back, name the data folder.',
    args: [{ name: 'FOLDER', summary: 'target folder; created if it does not exist', completes: 'folder' }],
    options: [],
    examples: [{ command: 'tabagent move /mnt/large/tabagent', does: 'store models on another disk' }],
    actions: ['MOVE_CACHE'],
    load: () => import('./commands/move.ts'),
  },
  {
    name: 'rm',
    summary: 'Delete downloaded models and unfinished downloads',
    args: [{ ...MODEL, many: true }],
    options: [],
    examples: [{ command: 'tabagent rm Qwen3-0.6B-Q8_0', does: 'delete a model and print the space freed' }],
    actions: ['DELETE_MODEL', 'GET_DOWNLOADED_MODELS', 'GET_ACTIVE_DOWNLOADS'],
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'run',
    summary: 'Chat with a model in the terminal',
    details:
      'Loads the model, downloading it first if necessary. With PROMPT, or a prompt on stdin,\nprints one answer and exits. Otherwise starts a chat, which is stored with your\nconversations; /help lists its commands. Ctrl-C stops the answer; press it again to exit.\nWith --json, prints one JSON line per event.',
    args: [MODEL, { name: 'PROMPT', summary: 'prompt to answer', optional: true, many: true }],
    options: [
      { name: 'system', value: 'TEXT', summary: 'system prompt' },
      {
        name: 'temperature',
        value: 'NUMBER',
        summary: 'sampling temperature; 0 always picks the most likely token (default: saved setting)',
      },
      { name: 'max-tokens', value: 'NUMBER', summary: 'maximum number of tokens to generate' },
      {
        name: 'reasoning',
        value: 'LEVEL',
        choices: REASONING_LEVELS,
        summary: 'how much the model reasons (default: saved setting)',
      },
      {
        name: 'chat',
        value: 'CONVERSATION',
        summary: 'continue this conversation: an ID or title, as "tabagent chat" lists them',
      },
      { name: 'temporary', summary: 'store nothing of the chat or the prompt' },
      { name: 'seed', value: 'NUMBER', summary: 'random seed; the same seed and settings give the same answer' },
      ...LOAD_OPTIONS,
    ],
    examples: [
      { command: 'tabagent run Qwen3-0.6B-Q8_0', does: 'start a chat' },
      { command: "tabagent run Qwen3-0.6B-Q8_0 'Why is the sky blue?'", does: 'print one answer' },
      {
        command: 'cat letter.txt | tabagent run Qwen3-0.6B-Q8_0 --system "Correct the spelling."',
        does: 'read the prompt from a pipe',
      },
    ],
    actions: [
      'LOAD_MODEL',
      'GENERATE',
      'STOP_GENERATION',
      'GET_AVAILABLE_MODELS',
      'GET_DOWNLOADED_MODELS',
      'CREATE_CONVERSATION',
      'GET_CONVERSATION',
      'LIST_CONVERSATIONS',
      'UPDATE_CONVERSATION',
    ],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'fit',
    summary: 'Check whether a model fits this computer, and how to split it between GPU and CPU',
    details: 'For a model that is not downloaded, only the file header is fetched.',
    args: [MODEL],
    options: [CONTEXT],
    examples: [
      { command: 'tabagent fit Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf', does: 'check a model before downloading it' },
    ],
    actions: ['RECOMMEND_SPLIT', 'GET_SYSTEM_RESOURCES', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/fit.ts'),
  },
  {
    name: 'search',
    summary: 'Search the Hugging Face Hub for GGUF models',
    args: [{ name: 'WORDS', summary: 'search terms', many: true }],
    options: [
      { name: 'sort', value: 'BY', choices: SEARCH_SORTS, summary: 'sort order, highest first (default: downloads)' },
      { name: 'limit', value: 'NUMBER', summary: 'maximum number of results (default: 20)' },
    ],
    examples: [{ command: 'tabagent search qwen3 8b', does: 'list matches, most downloaded first' }],
    actions: ['SEARCH_MODELS'],
    load: () => import('./commands/search.ts'),
  },
  {
    name: 'files',
    summary: 'List the models in a repository and whether they fit this computer',
    details:
      'A model split into several files is listed once. The default is marked: Q4_K_M, or the\nlargest smaller quantization that fits the available memory.',
    args: [{ name: 'REPOSITORY', summary: 'owner/name' }],
    options: [{ name: 'revision', value: 'NAME', summary: 'branch, tag or commit (default: main)' }],
    examples: [{ command: 'tabagent files Qwen/Qwen3-8B-GGUF', does: 'see the choices before downloading' }],
    actions: ['LIST_REPO_FILES'],
    load: () => import('./commands/files.ts'),
  },
  {
    name: 'verify',
    summary: 'Verify downloaded models against their checksums',
    details:
      'Reads every byte and compares it with the checksum recorded at download, or, without a\nrecord, with the one published by the Hugging Face Hub. Exits with 1 if a model is\ndamaged; "tabagent repair" fixes it.',
    args: [{ ...MODEL, optional: true }],
    options: [],
    examples: [
      { command: 'tabagent verify', does: 'verify all models' },
      { command: 'tabagent verify Qwen3-0.6B-Q8_0', does: 'verify one model' },
    ],
    actions: ['VERIFY_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'repair',
    summary: 'Repair damaged models by downloading only the damaged parts',
    args: [{ ...MODEL, optional: true }],
    options: [],
    examples: [{ command: 'tabagent repair', does: 'repair all damaged models' }],
    actions: ['REPAIR_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/repair.ts'),
  },
  {
    name: 'cache',
    summary: 'Show cache usage, or pin models so that they are never removed automatically',
    args: [
      { name: 'WHAT', summary: 'subcommand (default: stats)', choices: ['stats', 'pin', 'unpin'], optional: true },
      { ...MODEL, optional: true },
    ],
    options: [],
    examples: [
      { command: 'tabagent cache', does: 'show size, disk space and last use' },
      { command: 'tabagent cache pin Qwen3-0.6B-Q8_0', does: 'protect a model from being pruned' },
    ],
    actions: ['GET_CACHE_STATS', 'PIN_MODEL', 'UNPIN_MODEL', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/cache.ts'),
  },
  {
    name: 'chat',
    summary: 'List, show, search, delete, export or import conversations',
    details:
      'Subcommands:\n  list                   list all conversations (default)\n  show CONVERSATION      print a conversation\n  rm CONVERSATION ...    delete conversations for good\n  search WORDS           find conversations by the words of their titles and messages\n  export [FILE]          export all conversations (default: to stdout)\n  import FILE            import an exported file; - for stdin\n\nCONVERSATION is an ID, the start of one, or a title. Exports are JSON Lines, one conversation\nor message per line. Importing a file twice adds nothing new; the latest version of each row\nwins, and deletions are kept.',
    args: [
      { name: 'WHAT', summary: 'subcommand (default: list)', choices: CHAT_SUBCOMMANDS, optional: true },
      {
        name: 'ARGUMENT',
        summary: 'CONVERSATION, WORDS or FILE, as the subcommand requires',
        optional: true,
        many: true,
        completes: 'file',
      },
    ],
    options: [],
    examples: [
      { command: 'tabagent chat', does: 'list conversations' },
      { command: 'tabagent chat show 3f2a61c8', does: 'print a conversation, by the start of its ID' },
      { command: 'tabagent chat search boat trip', does: 'find conversations by their words' },
      { command: 'tabagent chat rm "Boat trip"', does: 'delete a conversation for good' },
      { command: 'tabagent chat export chats.jsonl', does: 'export all to a file that only you can read' },
      { command: 'tabagent chat import chats.jsonl', does: 'import a file, here or on another computer' },
      { command: 'tabagent chat export | grep boat', does: 'export to a pipe' },
    ],
    actions: [
      'LIST_CONVERSATIONS',
      'GET_CONVERSATION',
      'DELETE_CONVERSATION',
      'SEARCH_CONVERSATIONS',
      'EXPORT_CONVERSATIONS',
      'IMPORT_CONVERSATIONS',
    ],
    load: () => import('./commands/chat.ts'),
  },
  {
    name: 'set',
    summary: 'Show or change the settings of a model',
    details:
      'Browsers and other programs use these settings unless they choose others.\n\nSettings of answers:\n  system, temperature, top-p, top-k, min-p, max-tokens, repetition-penalty, do-sample,\n  reasoning, max-reasoning-tokens\n\nSettings that apply the next time the model is loaded:\n  context, gpu-layers, threads, n-parallel, n-batch, use-mmap, use-mlock, use-direct-io,\n  flash-attn, cache-type-k, cache-type-v, chat-template, devices, lora,\n  draft-model',
    args: [
      MODEL,
      { name: 'NAME', summary: 'setting, such as system, temperature, reasoning or context', optional: true },
      { name: 'VALUE', summary: 'new value, or "default" to reset the setting', optional: true, many: true },
    ],
    options: [],
    examples: [
      { command: 'tabagent set Qwen3-0.6B-Q8_0', does: 'show the settings of a model' },
      { command: 'tabagent set Qwen3-0.6B-Q8_0 system "Answer in one sentence."', does: 'set its system prompt' },
      { command: 'tabagent set Qwen3-0.6B-Q8_0 reasoning off', does: 'let it answer without reasoning' },
      { command: 'tabagent set Qwen3-0.6B-Q8_0 context default', does: 'reset its context length' },
    ],
    actions: ['GET_MODEL_SETTINGS', 'SET_MODEL_SETTINGS', 'GET_AVAILABLE_MODELS', 'GET_DOWNLOADED_MODELS'],
    load: () => import('./commands/set.ts'),
  },
  {
    name: 'scan',
    summary: 'List models that belong to other programs on this computer',
    details: 'These models are used in place. They are never copied or deleted.',
    args: [],
    options: [],
    examples: [{ command: 'tabagent scan', does: 'find models of llama.cpp, LM Studio, Ollama and others' }],
    actions: ['SCAN_LOCAL_MODELS'],
    load: () => import('./commands/scan.ts'),
  },
  {
    name: 'call',
    summary: 'Send any action to the host and print its reply',
    details:
      'Prints the reply to stdout as JSON, and progress events to stderr. With --events, prints\nboth to stdout as JSON Lines. If FIELDS is "-", reads the fields from stdin.',
    args: [
      { name: 'ACTION', summary: 'action name, such as GET_SYSTEM_RESOURCES (case-insensitive)', completes: 'action' },
      { name: 'FIELDS', summary: 'request fields, as a JSON object', optional: true },
    ],
    options: [{ name: 'events', summary: 'print each event as a JSON line, followed by the reply' }],
    examples: [
      { command: 'tabagent call ping', does: 'print the version and process ID' },
      { command: `tabagent call recommend_split '{"modelSize": 4000000000}'`, does: 'pass request fields' },
    ],
    actions: [],
    load: () => import('./commands/call.ts'),
  },
  {
    name: 'doctor',
    summary: 'Check the installation and suggest fixes',
    details:
      'Checks the data folder, the cache, each browser (its manifest, and whether the host it\npoints to responds), the connection to the Hugging Face Hub, and llama.cpp, then runs a\nsmall built-in model and compares its output.',
    args: [],
    options: [],
    examples: [
      { command: 'tabagent doctor', does: 'exit with 1 if a check fails' },
      { command: 'tabagent doctor --json', does: 'print each finding with its check, status, message and fix' },
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
    name: 'login',
    summary: 'Save an access token for the Hugging Face Hub',
    details:
      'Needed for gated and private repositories. The token is read from the terminal, where it is\nnot shown, or from stdin, and is saved in the system keychain where there is one.\nHF_TOKEN, if set, takes precedence.',
    args: [],
    options: [],
    examples: [
      { command: 'tabagent login', does: 'enter the token' },
      { command: 'cat token.txt | tabagent login', does: 'read the token from a file' },
    ],
    actions: ['GET_HF_TOKEN_STATUS', 'SET_HF_TOKEN'],
    load: () => import('./commands/login.ts'),
  },
  {
    name: 'logout',
    summary: 'Remove the saved access token',
    args: [],
    options: [],
    examples: [{ command: 'tabagent logout', does: 'remove the token that "tabagent login" saved' }],
    actions: ['CLEAR_HF_TOKEN'],
    load: () => import('./commands/logout.ts'),
  },
  {
    name: 'logs',
    summary: 'Print the newest entries of the log',
    details: 'The log contains no prompts, answers or tokens.',
    args: [],
    options: [{ name: 'lines', short: 'n', value: 'NUMBER', summary: 'number of entries (default: 50)' }],
    examples: [
      { command: 'tabagent logs', does: 'print the last 50 entries' },
      { command: 'tabagent logs -n 500 --json', does: 'print more entries, as JSON for a bug report' },
    ],
    actions: [],
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'update',
    summary: 'Check whether a newer release is available',
    details: 'Requests the address in "releaseUrl" in config.json; without one, requests nothing.\nInstalls nothing.',
    args: [],
    options: [],
    examples: [{ command: 'tabagent update', does: 'compare this version with the newest release' }],
    actions: [],
    load: () => import('./commands/update.ts'),
  },
  {
    name: 'install',
    summary: 'Register the host with the browsers on this computer',
    details:
      'Lets the TabAgent extension start the host. Running the command again is safe and updates\nregistrations written by an earlier version.',
    args: [],
    options: [
      {
        name: 'browser',
        value: 'NAME',
        choices: BROWSER_NAMES,
        many: true,
        optionalValue: true,
        summary: 'register with this browser only; without NAME, list known and installed browsers. One of',
      },
      { name: 'extension-id', value: 'ID', many: true, summary: 'also allow this extension' },
      { name: 'system', summary: 'register for all users (requires administrator rights)' },
    ],
    examples: [
      { command: 'tabagent install', does: 'register with every browser found' },
      { command: 'tabagent install --browser', does: 'list known browsers, and which of them are installed' },
      { command: 'tabagent install --browser firefox --browser chrome', does: 'register with these two' },
      { command: 'sudo tabagent install --system', does: 'register for all users' },
    ],
    actions: [],
    load: () => import('./commands/install.ts'),
  },
  {
    name: 'uninstall',
    summary: 'Remove everything that "tabagent install" wrote',
    details:
      'Files that were changed since are kept and listed. Models and settings are kept unless\n--models is given.',
    args: [],
    options: [
      { name: 'system', summary: 'remove the registration for all users (requires administrator rights)' },
      { name: 'models', summary: 'also delete your models, settings, conversations and logs' },
    ],
    examples: [
      { command: 'tabagent uninstall', does: 'unregister the host' },
      { command: 'tabagent uninstall --models', does: 'remove everything, including models and settings' },
    ],
    actions: [],
    load: () => import('./commands/uninstall.ts'),
  },
  {
    name: 'completion',
    summary: 'Print a shell completion script',
    args: [{ name: 'SHELL', summary: 'shell', choices: ['bash', 'zsh', 'fish', 'powershell'] }],
    options: [],
    examples: [
      {
        command: 'source <(tabagent completion bash)',
        does: 'bash, this session only; add it to ~/.bashrc to keep it',
      },
      { command: 'tabagent completion zsh > ~/.zfunc/_tabagent', does: 'zsh, if ~/.zfunc is in fpath' },
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
    examples: [{ command: 'tabagent version --json', does: 'include the Node.js version and the platform' }],
    actions: [],
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'help',
    summary: 'Show help for a command',
    args: [{ name: 'COMMAND', summary: 'command name', optional: true, completes: 'command' }],
    options: [],
    examples: [{ command: 'tabagent help pull', does: 'the same as "tabagent pull --help"' }],
    actions: [],
    load: () => import('./commands/help.ts'),
  },
];

/** Returns the command of this name. */
export function commandOf(name: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
