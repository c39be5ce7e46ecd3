; The Windows installer: one user's, no administrator needed. It copies the packaged host, and has the host itself
; register with the browsers. Defines come from nsis.ts.
Unicode true
SetCompressor /SOLID lzma
SetDatablockOptimize on
ManifestDPIAware true
RequestExecutionLevel user

!include "MUI2.nsh"
!include "x64.nsh"

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\TabAgent"

Name "TabAgent host"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\TabAgent"
BrandingText "TabAgent host ${VERSION}"
ShowInstDetails show
ShowUninstDetails show

VIProductVersion "${FILE_VERSION}"
VIAddVersionKey "ProductName" "TabAgent host"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installer of the TabAgent host"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT licence"

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${SOURCE}/LICENSE"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "The TabAgent host needs Windows for 64-bit processors." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
FunctionEnd

Section "TabAgent host"
  ; A browser that has the old host running keeps its file: it cannot be replaced, only moved aside.
  Delete "$INSTDIR\tabagent-host.exe.old"
  ${If} ${FileExists} "$INSTDIR\tabagent-host.exe"
    ClearErrors
    Rename "$INSTDIR\tabagent-host.exe" "$INSTDIR\tabagent-host.exe.old"
    ${If} ${Errors}
      MessageBox MB_OK|MB_ICONSTOP "The TabAgent host is running. Close your browsers and try again." /SD IDOK
      SetErrorLevel 3
      Abort
    ${EndIf}
  ${EndIf}
  RMDir /r "$INSTDIR\lib"
  SetOutPath "$INSTDIR"
  File /r "${SOURCE}/*"
  Delete /REBOOTOK "$INSTDIR\tabagent-host.exe.old"
  WriteUninstaller "$INSTDIR\uninstall.exe"

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

  DetailPrint "Registering with your browsers"
  nsExec::ExecToLog '"$INSTDIR\tabagent-host.exe" install'
  Pop $0
  ${If} $0 != 0
    DetailPrint "No browser was registered. Start your browser once, then run: tabagent-host.exe install"
  ${EndIf}
SectionEnd

Section "Uninstall"
  nsExec::ExecToLog '"$INSTDIR\tabagent-host.exe" uninstall'
  Pop $0
  ${If} $0 != 0
    DetailPrint "Some of the registration with browsers could not be removed; the lines above say which."
  ${EndIf}
  ; What the installer wrote, by name: somebody may have chosen a folder with other things in it.
  RMDir /r "$INSTDIR\lib"
  RMDir /r "$INSTDIR\share"
  Delete /REBOOTOK "$INSTDIR\tabagent-host.exe"
  Delete "$INSTDIR\tabagent-host.exe.old"
  Delete "$INSTDIR\tabagent.cmd"
  Delete "$INSTDIR\install.ps1"
  Delete "$INSTDIR\LICENSE"
  Delete "$INSTDIR\LICENSES.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
SectionEnd
