import { type CommandSpec, optionsOf } from '../spec.ts';
import { wordsFor } from './words.ts';

/** The completion script for PowerShell 5 and later: to be dot-sourced from `$PROFILE`. */
export function powershellCompletion(commands: readonly CommandSpec[]): string {
  const words = commands.map((command) => {
    const all = [
      ...optionsOf(command).map(({ name }) => `--${name}`),
      ...command.args.flatMap((arg) => wordsFor(arg, commands)),
    ];
    return `    ${quoted(command.name)} = @(${all.map(quoted).join(', ')})`;
  });
  const naming = commands.filter(({ args }) => args.some(({ completes }) => completes === 'model'));
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) =>
      option.value === undefined
        ? []
        : [`    ${quoted(`${name} --${option.name}`)} = @(${(option.choices ?? []).map(quoted).join(', ')})`],
    ),
  );
  return `# PowerShell completion for tabagent, printed by "tabagent completion powershell".
Register-ArgumentCompleter -Native -CommandName tabagent -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${words.join('\n')}
  }
  $values = @{
${values.join('\n')}
  }
  $typed = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  if ($typed.Count -le 1) { $found = @(${commands.map(({ name }) => quoted(name)).join(', ')}) }
  elseif ($values.ContainsKey("$($typed[1]) $($typed[-1])")) { $found = $values["$($typed[1]) $($typed[-1])"] }
  else {
    $found = @($words[$typed[1]])
    if (@(${naming.map(({ name }) => quoted(name)).join(', ')}) -contains $typed[1]) { $found += @(tabagent ls --ids 2>$null) }
  }
  $found | Where-Object { $_ -and $_.StartsWith($wordToComplete, [System.StringComparison]::OrdinalIgnoreCase) } | ForEach-Object {
    $text = if ($_ -match '^[\\w./@+-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
  }
}
`;
}

/** One text of PowerShell, nothing of it expanded. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "''")}'`;
}
