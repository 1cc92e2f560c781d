package midplane_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "example.com/midplane"

// layer is a group of packages and the groups that it may import.
type layer struct {
	prefix string
	may    []string
}

// layers are in the order in which prefixes are tried: the first that fits a
// package is its layer.
var layers = []layer{
	{"adapter/tensor", nil},
	{"adapter/driver", []string{"adapter/tensor"}},
	{"adapter", []string{"adapter/tensor", "adapter/driver"}},
	{"operators", []string{"adapter"}},
	{"backends", []string{"adapter", "operators"}},
	{"models", []string{"adapter", "operators"}},
	{"conformance", []string{"adapter", "operators", "models"}},
	{"frameworks", []string{"adapter", "operators", "models"}},
	{"examples", []string{"adapter", "operators", "backends", "models", "conformance", "frameworks"}},
	{"cmd", []string{"adapter", "operators", "backends", "models", "conformance", "frameworks", "examples"}},
}

// Imports go one way only: from the programs down to the tensors.
func TestLayers(t *testing.T) {
	out := goList(t, "list", "-f", `{{.ImportPath}}:{{join .Imports ","}}`, "./...")
	for _, line := range strings.Fields(out) {
		pkg, imports, _ := strings.Cut(line, ":")
		own := layerOf(pkg)
		if own == nil {
			continue
		}
		for _, imported := range strings.Split(imports, ",") {
			target := layerOf(imported)
			if target == nil || target == own {
				continue
			}
			allowed := slices.ContainsFunc(own.may, func(p string) bool { return within(target.prefix, p) })
			assert.True(t, allowed, "%s may not import %s", pkg, imported)
		}
	}
}

// Only main packages and package command's main link concrete backends.
func TestBackendsAreLinkedByPrograms(t *testing.T) {
	out := goList(t, "list", "-f", `{{.Name}}:{{.ImportPath}}:{{join .Imports ","}}`, "./...")
	for _, line := range strings.Fields(out) {
		parts := strings.SplitN(line, ":", 3)
		if parts[0] == "main" || strings.HasPrefix(parts[1], module+"/backends/") {
			continue
		}
		assert.NotContains(t, parts[2], module+"/backends/", "%s is no program", parts[1])
	}
}

// Whoever imports models and the cpu backend links few modules beside this one.
func TestImportersLinkFewModules(t *testing.T) {
	const most = 6
	out := goList(t, "list", "-deps", "-f", `{{with .Module}}{{.Path}}{{end}}`, "./models", "./backends/cpu")
	modules := strings.Fields(out)
	slices.Sort(modules)
	modules = slices.Compact(modules)
	assert.LessOrEqual(t, len(modules), most, "modules linked: %v", modules)
	assert.Contains(t, modules, module)
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return string(out)
}

func layerOf(pkg string) *layer {
	path, ours := strings.CutPrefix(pkg, module+"/")
	if !ours {
		return nil
	}
	for i := range layers {
		if within(path, layers[i].prefix) {
			return &layers[i]
		}
	}
	return nil
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
