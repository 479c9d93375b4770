// Package chrome starts Chromium for tests of pages. It owns how the browser is
// started and what screen it has; what a test does with it is the test's own. It is a
// room beside testbed so that tests without pages do not link the browser's protocol.
package chrome

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"centralino/internal/testbed"
)

// Start starts a browser without a window, for limit at most; it ends with the test.
// Without Chromium the test is left out (testbed.Need).
func Start(t testing.TB, limit time.Duration) context.Context {
	t.Helper()
	testbed.Need(t, "chromium")
	profile, err := os.MkdirTemp("", "centralino-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := context.WithTimeout(context.Background(), limit)
	ctx, stop2 := chromedp.NewExecAllocator(ctx, opts...)
	ctx, stop3 := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		stop3()
		stop2()
		stop()
		_ = os.RemoveAll(profile) // chromium may still be writing: what stays is in the temporary folder
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Screen sets a tab's size in CSS pixels (below 600 wide: a telephone), the colour
// scheme ("light", "dark") and the language that it asks for.
func Screen(t testing.TB, ctx context.Context, width, height int64, scheme, lang string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 Chrome", AcceptLanguage: lang})
	}
	if err != nil {
		t.Fatal(err)
	}
}
