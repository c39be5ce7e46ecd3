; The Windows installer, for one user and without administrator rights. It copies the packaged host and runs its command
; "install", which registers it with browsers. nsis.ts passes the defines.
!ifdef FOR_TESTS
  Target amd64-unicode
  SetCompressor zlib
!else
  Target x86-unicode
  SetCompressor /SOLID lzma
!endif
SetDatablockOptimize on
ManifestDPIAware true
RequestExecutionLevel user

!include "MUI2.nsh"
!include "x64.nsh"
!include "WinVer.nsh"
!include "FileFunc.nsh"
!include "TextFunc.nsh"
!include "WordFunc.nsh"

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\TabAgent"
!define POWERSHELL '"$SYSDIR\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -NonInteractive -ExecutionPolicy Bypass'

Name "TabAgent host"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\TabAgent"
InstallDirRegKey HKCU "${UNINSTALL_KEY}" "InstallLocation"
BrandingText "TabAgent host ${VERSION}"
ShowInstDetails show
ShowUninstDetails show

VIProductVersion "${FILE_VERSION}"
VIAddVersionKey "ProductName" "TabAgent host"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "TabAgent host setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT License"

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${SOURCE}/LICENSE"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Exit codes, for silent installations: 2 the computer does not meet the requirements, 3 the host is running, 4 the folder
; contains other files.
!macro Refuse CODE TEXT
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

; Quits if the host is running: the file of a running program cannot be opened for writing.
!macro RefuseRunning
  ${If} ${FileExists} "$INSTDIR\tabagent-host.exe"
    ClearErrors
    FileOpen $0 "$INSTDIR\tabagent-host.exe" a
    ${If} ${Errors}
      !insertmacro Refuse 3 "The TabAgent host is running. Close your browsers, then try again."
    ${EndIf}
    FileClose $0
  ${EndIf}
!macroend

; Removes the files that are in a list, and folders that are then empty. Keeps everything else.
!macro RemoveListed UN
Function ${UN}RemoveListed
  Pop $R0
  ClearErrors
  FileOpen $R1 "$R0" r
  ${IfNot} ${Errors}
    ; The list contains itself, and is removed after it has been read.
    ${Do}
      ClearErrors
      FileRead $R1 $R2
      ${If} ${Errors}
        ${Break}
      ${EndIf}
      ${TrimNewLines} $R2 $R2
      ${WordReplace} $R2 "/" "\" "+" $R2
      StrCpy $R3 $R2 1 -1
      ${If} $R3 == "\"
        StrCpy $R2 $R2 -1
        RMDir "$INSTDIR\$R2"
      ${ElseIf} "$INSTDIR\$R2" != "$R0"
        Delete "$INSTDIR\$R2"
      ${EndIf}
    ${Loop}
    FileClose $R1
    Delete "$R0"
  ${EndIf}
FunctionEnd
!macroend
!insertmacro RemoveListed ""
!insertmacro RemoveListed "un."

Function .onInit
  ${IfNot} ${RunningX64}
  ${AndIfNot} ${IsNativeARM64}
    !insertmacro Refuse 2 "The TabAgent host requires a 64-bit edition of Windows."
  ${EndIf}
  ${IfNot} ${AtLeastWin10}
    !insertmacro Refuse 2 "The TabAgent host requires Windows 10 or later."
  ${EndIf}
FunctionEnd

Section "TabAgent host"
  ; Check everything before changing anything.
  ${IfNot} ${FileExists} "$INSTDIR\FILES.txt"
  ${AndIf} ${FileExists} "$INSTDIR\*.*"
    ${DirState} "$INSTDIR" $0
    ${If} $0 == 1
      !insertmacro Refuse 4 "$INSTDIR contains files that do not belong to TabAgent. Choose another folder."
    ${EndIf}
  ${EndIf}
  !insertmacro RefuseRunning
  ${GetRoot} "$INSTDIR" $0
  ${DriveSpace} "$0\" "/D=F /S=K" $1
  ${If} $1 != ""
  ${AndIf} $1 < ${KIBIBYTES}
    !insertmacro Refuse 2 "There is not enough disk space on drive $0."
  ${EndIf}

  ; Remove the program first and write it last, so that no mixture of two versions starts.
  Delete "$INSTDIR\tabagent-host.exe"
  Push "$INSTDIR\FILES.txt"
  Call RemoveListed
  SetOutPath "$INSTDIR"
  ; The list first: after an interrupted installation, it shows that the folder belongs to TabAgent.
  File "${SOURCE}/FILES.txt"
  File /r /x tabagent-host.exe /x FILES.txt "${SOURCE}/*"
  File "${SOURCE}/tabagent-host.exe"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  ${If} ${FileExists} "$INSTDIR\FILES-*.txt"
    DetailPrint "GPU add-ons were kept. If models no longer run on the GPU, unpack the add-on of version ${VERSION} over this folder."
  ${EndIf}

  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "TabAgent host"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "TabAgent"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\tabagent-host.exe"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${KIBIBYTES}
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1

  DetailPrint "Adding the command tabagent to PATH"
  nsExec::ExecToLog '${POWERSHELL} -File "$INSTDIR\install.ps1" -Folder "$INSTDIR" -AddToPath'
  Pop $0
  ${If} $0 != 0
    DetailPrint "PATH was not changed. The command is $INSTDIR\tabagent.cmd"
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000

  DetailPrint "Registering with your browsers"
  nsExec::ExecToLog '"$INSTDIR\tabagent-host.exe" install'
  Pop $0
  ${If} $0 != 0
    DetailPrint "No browser was registered. Start your browser once, then run: tabagent install"
  ${EndIf}
SectionEnd

Section "Uninstall"
  !insertmacro RefuseRunning
  nsExec::ExecToLog '"$INSTDIR\tabagent-host.exe" uninstall'
  Pop $0
  ${If} $0 != 0
    DetailPrint "The registration could not be removed from all browsers. See the lines above."
  ${EndIf}
  nsExec::ExecToLog '${POWERSHELL} -File "$INSTDIR\install.ps1" -Folder "$INSTDIR" -RemoveFromPath'
  Pop $0
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
  ; Add-ons have their own lists.
  FindFirst $R8 $R9 "$INSTDIR\FILES-*.txt"
  ${DoWhile} $R9 != ""
    Push "$INSTDIR\$R9"
    Call un.RemoveListed
    FindNext $R8 $R9
  ${Loop}
  FindClose $R8
  Push "$INSTDIR\FILES.txt"
  Call un.RemoveListed
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
SectionEnd
