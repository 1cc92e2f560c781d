package main

import (
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	_ "example.com/midplane/operators/microsoft"
	_ "example.com/midplane/operators/reference/imagedec"
)
