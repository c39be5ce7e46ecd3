@echo off
"%~dp0tabagent-host.exe" %*
