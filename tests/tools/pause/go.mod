module brandfarm/tests/tools/pause

go 1.24

tool brandfarm/tests/tools/pause
