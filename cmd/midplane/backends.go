package main

import (
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
)
