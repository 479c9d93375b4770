package ui_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/internal/testbed/chrome"
	"github.com/chromedp/chromedp"
)

// TestReportScreens takes pictures of the pages of figures, where UI_SCREENS names a
// folder.
func TestReportScreens(t *testing.T) {
	folder := os.Getenv("UI_SCREENS")
	if folder == "" {
		t.Skip("UI_SCREENS names no folder")
	}
	r := newRig(t, true)
	morning(r, 14, 4)
	ctx := chromium(t)
	r.enter(ctx, dario)
	for _, v := range []struct {
		name, scheme, lang string
		width              int64
	}{{"desk", "light", "it", 1280}, {"phone", "light", "it", 390}, {"dark", "dark", "en", 1280}} {
		for _, path := range []string{"/", "/reports", "/reports?what=queue", "/reports?what=interval", "/reports?what=unserved", "/reports?what=lines", "/reports?what=team", "/recall", "/plan?calls=8,14,22,18,9"} {
			chrome.Screen(t, ctx, v.width, 900, v.scheme, v.lang)
			if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+path), chromedp.WaitReady(chromedp.CSS("#main"))); err != nil {
				t.Fatal(path, err)
			}
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(path, err)
			}
			name := "figures-" + v.name + strings.NewReplacer("/", "_", "?", "_", "=", "_", ",", "_").Replace(path) + ".png"
			if err := os.WriteFile(filepath.Join(folder, name), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
