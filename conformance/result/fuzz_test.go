package result_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/conformance/result"
)

// FuzzRead reads packages whose files somebody else made. Whoever seals a package
// can write into it what he likes.
func FuzzRead(f *testing.F) {
	line := `{"id":"op/Relu/14/float32/default/rank2","status":"passed","outcome":"pass","trials":[{"end":"done","sets":[{"digest":"","size":2}],"watched":{"digest":"","size":1}}]}`
	f.Add([]byte(line+"\n"), []byte("abc"), []byte("[]"), []byte(`{"arch":"amd64"}`), []byte(`{"cases":[]}`))
	f.Add([]byte("{}\n"), []byte{}, []byte(`[{"id":"W","cases":"op/...","reason":"r","expires":"2030-01-01"}]`), []byte("{"), []byte("7"))
	f.Fuzz(func(t *testing.T, cells, outputs, waivers, environment, report []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{
			result.CellsFile: cells, result.OutputsFile: outputs, result.WaiversFile: waivers, result.EnvironmentFile: environment, result.ReportFile: report, result.LogFile: nil,
		} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o644))
		}
		require.NoError(t, result.Seal(dir, &result.Manifest{Format: result.Format}, nil))
		p, err := result.Read(dir)
		if err != nil {
			return
		}
		p.Report()
		p.Platform()
		_, _ = p.Brief() // an error is an answer
		all, err := p.Outputs()
		if err != nil {
			return
		}
		require.Len(t, all, len(p.Results))
		for i := range all {
			require.Len(t, all[i], len(p.Results[i].Sets()))
		}
	})
}

// FuzzManifest reads manifests that nobody wrote.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"files":[{"name":"../cells.jsonl"}],"key":"00"}`), "00\n")
	f.Add([]byte(`{}`), "unsigned \n")
	f.Fuzz(func(t *testing.T, manifest []byte, signature string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, result.ManifestFile), manifest, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, result.SignatureFile), []byte(signature), 0o644))
		_, err := result.Read(dir)
		require.Error(t, err, "there are no other files")
	})
}
