# Installs the TabAgent host from the folder that contains this script, and registers it with the browsers of this user.
# Nothing is downloaded. Running it again updates the installation.
#
#   powershell -ExecutionPolicy Bypass -File install.ps1
#   powershell -ExecutionPolicy Bypass -File install.ps1 -Uninstall
#
# -Browser firefox registers with that browser only; several are separated by commas.
[CmdletBinding(PositionalBinding = $false)]
param(
    # The folder to install in.
    [string] $Folder = (Join-Path $env:LOCALAPPDATA 'Programs\TabAgent'),
    # Removes the host; models and settings are kept.
    [switch] $Uninstall,
    # The browsers to register with (default: all installed browsers).
    [string] $Browser = '',
    # Installs in a folder that contains other files, and replaces those of the same name.
    [switch] $Force,
    # Only adds the folder to PATH, or removes it. Used by setup.exe, because strings in NSIS are too short for a PATH.
    [switch] $AddToPath,
    [switch] $RemoveFromPath
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
# Absolute, because PATH will contain it, and .NET resolves relative paths differently from PowerShell.
$Folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Folder).TrimEnd('\')
$program = Join-Path $Folder 'tabagent-host.exe'
$list = Join-Path $Folder 'FILES.txt'

# Changes the user's PATH in the registry: $env:PATH also contains the computer's.
function Set-UserPath([scriptblock] $Change) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.CreateSubKey('Environment')
    try {
        # Not expanded, so that variables in it, such as %USERPROFILE%, are preserved.
        $options = [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames
        $before = [string] $key.GetValue('Path', '', $options)
        $after = @(& $Change @($before -split ';')) -join ';'
        if ($after -eq $before) { return }
        if ($after -ne '') { $key.SetValue('Path', $after, [Microsoft.Win32.RegistryValueKind]::ExpandString) }
        else { $key.DeleteValue('Path') }
    } finally {
        $key.Dispose()
    }
    # Setting a variable broadcasts the change to all programs, which writing to the registry does not. This one does not exist.
    [Environment]::SetEnvironmentVariable('TABAGENT_PATH_CHANGED', $null, 'User')
}

function Add-UserPath {
    Set-UserPath { param($parts) if ($parts -contains $Folder) { $parts } else { @($parts | Where-Object { $_ -ne '' }) + $Folder } }
}
function Remove-UserPath { Set-UserPath { param($parts) $parts | Where-Object { $_ -ne $Folder } } }

function Invoke-TabAgent([string[]] $Arguments) {
    & $program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "tabagent $($Arguments -join ' ') failed with exit code $LASTEXITCODE." }
}

# Windows does not allow writing to the file of a running program, nor to libraries that it has loaded.
function Assert-NotRunning {
    if (-not (Test-Path -LiteralPath $program)) { return }
    try {
        [IO.File]::Open($program, 'Open', 'ReadWrite', 'None').Dispose()
    } catch [IO.IOException] {
        throw "The TabAgent host in $Folder is running. Close your browsers, then try again."
    }
}

# Removes the files that are in the lists, and folders that are then empty. Keeps everything else.
function Remove-Listed([string[]] $Lists) {
    foreach ($name in $Lists) {
        foreach ($entry in [IO.File]::ReadAllLines($name)) {
            $path = Join-Path $Folder $entry
            if (-not $entry.EndsWith('/')) {
                if (Test-Path -LiteralPath $path -PathType Leaf) { Remove-Item -LiteralPath $path -Force }
            } elseif ((Test-Path -LiteralPath $path) -and -not (Get-ChildItem -LiteralPath $path -Force)) {
                Remove-Item -LiteralPath $path -Force
            }
        }
    }
}

function Get-Lists([string] $In) {
    @(Get-ChildItem -LiteralPath $In -File | Where-Object { $_.Name -match '^FILES(-.+)?\.txt$' } | ForEach-Object { $_.FullName })
}

if ($AddToPath) { Add-UserPath; return }
if ($RemoveFromPath) { Remove-UserPath; return }

if ($Uninstall) {
    if (-not ((Test-Path -LiteralPath $program) -and (Test-Path -LiteralPath $list))) {
        Write-Output "The TabAgent host is not installed in $Folder."
        return
    }
    Assert-NotRunning
    Invoke-TabAgent @('uninstall')
    Remove-Listed (Get-Lists $Folder)
    Remove-UserPath
    if (Get-ChildItem -LiteralPath $Folder -Force) {
        Write-Output "Removed the TabAgent host from $Folder. Files there that do not belong to it were kept."
    } else {
        Remove-Item -LiteralPath $Folder -Force
        Write-Output "Removed $Folder"
    }
    return
}

# Check everything before changing anything.
$source = $PSScriptRoot.TrimEnd('\')
foreach ($file in 'tabagent-host.exe', 'FILES.txt', 'PACKAGE.txt') {
    if (-not (Test-Path -LiteralPath (Join-Path $source $file))) {
        throw "$source\$file does not exist. Run install.ps1 from the unpacked archive."
    }
}
if ($source -eq $Folder) { throw "$source is the installed host itself. Run install.ps1 from an unpacked archive." }

$facts = @{}
foreach ($line in [IO.File]::ReadAllLines((Join-Path $source 'PACKAGE.txt'))) {
    $name, $value = $line -split ' ', 2
    $facts[$name] = $value
}
if ([Environment]::OSVersion.Version -lt [Version] '10.0.17763') {
    throw "This is Windows $([Environment]::OSVersion.Version), but the TabAgent host requires Windows 10 version 1809 or later."
}
# In a 32-bit PowerShell, PROCESSOR_ARCHITEW6432 is the computer's architecture.
$cpu = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
$cpu = @{ AMD64 = 'x64'; ARM64 = 'arm64' }[$cpu]
# Windows on Arm also runs x64 programs.
if ($cpu -ne $facts['cpu'] -and -not ($cpu -eq 'arm64' -and $facts['cpu'] -eq 'x64')) {
    throw "This package is for $($facts['cpu']), but this computer needs the one for $cpu."
}
$free = [IO.DriveInfo]::new([IO.Path]::GetPathRoot([IO.Path]::GetFullPath($Folder))).AvailableFreeSpace
if ($free -lt 1024 * [long] $facts['kib']) {
    throw "Not enough disk space: the installation needs $([long] $facts['kib'] / 1024) MiB in $Folder, but only $([math]::Floor($free / 1MB)) MiB are free."
}
if ((Test-Path -LiteralPath $Folder) -and -not (Test-Path -LiteralPath $list) -and (Get-ChildItem -LiteralPath $Folder -Force) -and -not $Force) {
    throw "$Folder contains files that do not belong to TabAgent. Choose another -Folder, or install there with -Force."
}
Assert-NotRunning

# Remove the program first and copy it last: an interrupted installation must not leave a mixture of two versions that starts.
if (Test-Path -LiteralPath $list) {
    if (Test-Path -LiteralPath $program) { Remove-Item -LiteralPath $program -Force }
    # An add-on works only with the llama.cpp binaries that it was made for.
    $before = Join-Path $Folder 'lib\llama'
    foreach ($addOn in Get-Lists $Folder | Where-Object { (Split-Path $_ -Leaf) -ne 'FILES.txt' }) {
        $name = (Split-Path $addOn -Leaf) -replace '^FILES-|\.txt$', ''
        $old = (Get-Content -LiteralPath (Join-Path $before "$name\package.json") -Raw | ConvertFrom-Json).version
        $new = (Get-ChildItem -LiteralPath (Join-Path $source 'lib\llama') -Directory | Select-Object -First 1).FullName
        if ($old -eq (Get-Content -LiteralPath (Join-Path $new 'package.json') -Raw | ConvertFrom-Json).version) {
            Write-Output "Kept the add-on $name."
        } else {
            Remove-Listed @($addOn)
            Write-Warning "Removed the add-on $name, which does not work with this version. Unpack the add-on of version $($facts['version']) in $Folder."
        }
    }
    Remove-Listed @($list)
}
# Copy only listed files: the archive may have been unpacked among other files. The list itself is copied first: after an
# interrupted installation, it shows that the folder belongs to TabAgent.
New-Item -ItemType Directory -Path $Folder -Force | Out-Null
Copy-Item -LiteralPath (Join-Path $source 'FILES.txt') -Destination $list -Force
foreach ($name in Get-Lists $source) {
    foreach ($entry in [IO.File]::ReadAllLines($name) | Where-Object { -not $_.EndsWith('/') -and $_ -ne 'tabagent-host.exe' }) {
        $to = Join-Path $Folder $entry
        New-Item -ItemType Directory -Path (Split-Path $to) -Force | Out-Null
        Copy-Item -LiteralPath (Join-Path $source $entry) -Destination $to -Force
        # Windows asks before it starts a downloaded program, and a browser cannot answer.
        Unblock-File -LiteralPath $to
    }
}
Copy-Item -LiteralPath (Join-Path $source 'tabagent-host.exe') -Destination $program -Force
Unblock-File -LiteralPath $program

Write-Output "Installed the TabAgent host $(& $program --version) in $Folder"
$named = @($Browser -split ',' | Where-Object { $_ -ne '' } | ForEach-Object { '--browser'; $_.Trim() })
Invoke-TabAgent (@('install') + $named)
Add-UserPath
Write-Output 'Open a new terminal to use the command tabagent.'
