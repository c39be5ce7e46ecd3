# Installs the TabAgent host from the folder this script lies in, and registers it with the browsers of this user.
# Nothing is downloaded. Running it again installs over what is there.
#
#   powershell -ExecutionPolicy Bypass -File install.ps1
#   powershell -ExecutionPolicy Bypass -File install.ps1 -Uninstall
#
# With -Browser firefox it registers with that browser alone; several are parted by commas.
[CmdletBinding(PositionalBinding = $false)]
param(
    # Where the host goes.
    [string] $Folder = (Join-Path $env:LOCALAPPDATA 'Programs\TabAgent'),
    # Takes all of it away again; models and settings stay.
    [switch] $Uninstall,
    # Browsers to register with; all that are found, without it.
    [string] $Browser = ''
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$program = Join-Path $Folder 'tabagent-host.exe'

# The user's own search path for programs. Not what this process sees, which has the machine's mixed in.
function Set-UserPath([scriptblock] $Change) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.CreateSubKey('Environment')
    try {
        # Unexpanded, so that %USERPROFILE% in it stays what it is.
        $options = [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames
        $before = @(([string] $key.GetValue('Path', '', $options)) -split ';' | Where-Object { $_ -ne '' })
        $after = @(& $Change $before)
        $key.SetValue('Path', ($after -join ';'), [Microsoft.Win32.RegistryValueKind]::ExpandString)
    } finally {
        $key.Dispose()
    }
}

function Invoke-TabAgent([string[]] $Arguments) {
    & $program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "tabagent $($Arguments -join ' ') ended with exit code $LASTEXITCODE." }
}

if ($Uninstall) {
    if (-not (Test-Path -LiteralPath $program)) {
        Write-Output "There is no TabAgent host in $Folder."
        return
    }
    Invoke-TabAgent @('uninstall')
    Remove-Item -LiteralPath $Folder -Recurse -Force
    Set-UserPath { param($parts) $parts | Where-Object { $_ -ne $Folder } }
    Write-Output "Removed $Folder"
    return
}

$source = $PSScriptRoot
if (-not (Test-Path -LiteralPath (Join-Path $source 'tabagent-host.exe'))) {
    throw "Expected tabagent-host.exe in $source. Run this from the unpacked archive."
}
if ($source.TrimEnd('\') -eq $Folder.TrimEnd('\')) {
    throw "$source is the installed host itself. Run install.ps1 from an unpacked archive."
}

# Windows keeps a running program's file. Moved aside it can be replaced, and goes with the next installation.
$aside = "$Folder.old"
if (Test-Path -LiteralPath $aside) { Remove-Item -LiteralPath $aside -Recurse -Force -ErrorAction SilentlyContinue }
if (Test-Path -LiteralPath $Folder) {
    if (Test-Path -LiteralPath $aside) { throw "Close your browsers: the TabAgent host in $aside is still running." }
    Move-Item -LiteralPath $Folder -Destination $aside
}
New-Item -ItemType Directory -Path $Folder -Force | Out-Null
Copy-Item -Path (Join-Path $source '*') -Destination $Folder -Recurse -Force
# Windows asks before it starts what came from the internet; browsers cannot answer.
Get-ChildItem -LiteralPath $Folder -Recurse -File | Unblock-File
if (Test-Path -LiteralPath $aside) { Remove-Item -LiteralPath $aside -Recurse -Force -ErrorAction SilentlyContinue }

Write-Output "Installed the TabAgent host $(& $program --version) in $Folder"
$named = @($Browser -split ',' | Where-Object { $_ -ne '' } | ForEach-Object { '--browser'; $_.Trim() })
Invoke-TabAgent (@('install') + $named)
Set-UserPath { param($parts) @($parts | Where-Object { $_ -ne $Folder }) + $Folder }
Write-Output 'The command tabagent works in terminals opened from now on.'
