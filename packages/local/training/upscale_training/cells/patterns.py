"""QR-like modules, 1-bit dither and pixel art."""

from .common import SIZE, colour


def patterns(r, stock):
    """QR-like modules, 1-bit dither and pixel art: pixels that must stay pixels."""
    kind = r.choice(["modules", "modules", "dither", "sprite", "sprite"])
    n = r.choice([25, 33, 41, 64, 80, 106, 160]) if kind != "dither" else r.choice([107, 160, 320])
    module = SIZE / n if kind == "sprite" and r.random() < 0.3 else max(1, SIZE // n)
    light = r.choice(["#fff", "#fff", colour(r, 150, 255)])
    dark = r.choice(["#000", "#000", colour(r, 0, 120)])
    colours = [light, dark, *(colour(r) for _ in range(4))]
    # Drawn by the page itself, so that one art pixel is a whole number of device pixels at every scale.
    fill = {
        "modules": "c[rnd()<.5?0:1]",
        "dither": "c[v>(bayer[y%4*4+x%4]+.5)/16?0:1]",
        "sprite": "c[Math.floor((v*.85+rnd()*.15)*5.99)]",
    }[kind]
    script = f"""
      const n={n},m={module},c={colours!r};let s={r.randint(1, 10**9)};
      const rnd=()=>(s=(s*1103515245+12345)%2147483648)/2147483648;
      const k=document.createElement('canvas');k.width=k.height=n;const g=k.getContext('2d');
      const f={r.uniform(0.02, 0.2)},q=rnd()*9;
      const bayer=[0,8,2,10,12,4,14,6,3,11,1,9,15,7,13,5];
      for(let y=0;y<n;y++)for(let x=0;x<n;x++){{
        const v=.5+.5*Math.sin(x*f+q)*Math.cos(y*f*1.3-q);
        g.fillStyle={fill};
        g.fillRect(x,y,1,1)}}
      k.style.cssText=`width:${{n*m}}px;height:${{n*m}}px;image-rendering:pixelated;display:block`;
      document.currentScript.parentNode.appendChild(k)"""
    return f"<div style='height:100%;background:{light};overflow:hidden'><script>{{{script}}}</script></div>"
