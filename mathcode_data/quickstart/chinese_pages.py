"""Ordinary pages in Chinese: recipes, travel notes and notices. No mathematics."""

from mathcode_data.quickstart.article import Article, Block, heading, paragraph
from mathcode_data.quickstart.grammar import Draw, paragraphs

_FOODS = ("土豆", "豆腐", "茄子", "西红柿", "青椒", "白菜", "香菇", "胡萝卜", "冬瓜", "莲藕")
_CITIES = ("青溪镇", "临湖县", "云岭", "南浦", "白石村", "松江口", "古塘", "柳河")
_RECIPE = paragraphs("""
    [[这道<a>烧<b>是我们家的家常菜。|天冷的时候，最想吃的就是热腾腾的<a>和<b>。|邻居阿姨教我做的这道菜，简单又下饭。]][[材料便宜，做法也不难。|大人小孩都爱吃。|第二天热一热更入味。]]

    [[关键是火候，不能心急。|油温不要太高，否则容易糊。|起锅前撒一点葱花，味道更香。]][[没有<b>的话可以用别的蔬菜代替。|口味重的朋友可以加一点辣椒。]][[配米饭或者馒头都很好。|吃不完放冰箱可以保存两天。]]
    """)
_STEPS = (
    "[[把<a>洗净切块|<a>去皮切片]]，放在一边备用。",
    "[[<b>切成小丁|<b>撕成小块]]，[[用盐水泡十分钟|沥干水分]]。",
    "[[锅里放油烧热|热锅凉油]]，[[放入姜蒜炒香|下葱姜爆香]]。",
    "[[倒入|加入]]<a>[[翻炒几分钟|大火翻炒]]，再放<b>。",
    "[[加水没过食材|加一碗水]]，[[盖上锅盖小火焖|转小火慢炖]]<n>分钟。",
    "[[最后加盐和酱油调味|尝一下咸淡]]，[[收汁出锅|就可以装盘了]]。",
)
_TRAVEL = paragraphs("""
    [[周末我们坐火车去了<city>。|早就听说<city>的秋天很美。|<city>是一座安静的小城，游客不多。]][[下车时正下着小雨。|老街两旁都是木头房子。|客栈的老板很热情，还送了我们一张地图。]]

    [[第一天我们去了古塔和石桥。|清晨的湖边只有钓鱼的老人。|山路不难走，沿途有几座凉亭。]][[门票<price>元，学生半价。|这里不收门票，但是要提前预约。]][[站在山顶可以看到整个县城。|桥下的水清得能看见小鱼。]]

    [[当地的米粉很有名，一碗只要<price>元。|晚上的夜市很热闹，烤鱼和糍粑都值得尝一尝。|我们在巷子里找到一家开了三十年的面馆。]][[建议带现金，有些小店不能刷卡。|菜的分量很大，两个人点两道就够了。]]

    [[回程的车票要早点买。|如果时间够，还可以去附近的<other>看看。|最好避开节假日。]][[这次旅行虽然短，却让人难忘。|我们说好明年春天再来。]]
    """)
_NOTICE = paragraphs("""
    [[各位居民请注意：|通知：|为了方便大家，]]<city>[[图书馆|游泳馆|便民服务中心]]自<month>月起调整开放时间。[[节假日照常开放。|每周一闭馆。|中午不休息。]]

    [[请携带身份证办理手续。|办卡费用为<price>元，可以退还。|儿童须由家长陪同。]][[馆内请勿吸烟和大声喧哗。|停车场在北门，前一小时免费。]][[咨询电话请见大厅公告栏。|如有变动，另行通知。]]

    [[感谢大家的理解与支持。|欢迎提出宝贵意见。]][[我们还在招募周末的志愿者。|失物招领处设在一楼。]]
    """)


def recipe(draw: Draw) -> Article:
    """A recipe."""
    a, b = draw.some(_FOODS, 2)
    texts = [paragraph(draw.say(text, a=a, b=b)) for text in _RECIPE]
    steps = tuple(draw.say(step, a=a, b=b, n=draw.integer(5, 40)) for step in _STEPS)
    amounts = (f"{a} {50 * draw.integer(2, 10)} 克", f"{b} {50 * draw.integer(1, 6)} 克", "姜蒜适量", "酱油两勺")
    return Article(
        draw.say("[[家常|简单美味的|妈妈的]]<a>烧<b>", a=a, b=b),
        (texts[0], heading("材料"), Block("ul", amounts), heading("做法"), Block("ol", steps), texts[1]),
    )


def travel(draw: Draw) -> Article:
    """A travel note."""
    city, other = draw.shuffled(_CITIES)[:2]
    texts = [paragraph(draw.say(text, city=city, other=other, price=draw.integer(5, 60))) for text in _TRAVEL]
    return Article(draw.say("[[<city>两日游|漫步<city>|<city>游记]]", city=city), tuple(texts))


def notice(draw: Draw) -> Article:
    """A public notice with opening hours."""
    city = draw.pick(_CITIES)
    texts = [paragraph(draw.say(text, city=city, month=draw.integer(1, 12), price=5 * draw.integer(1, 12))) for text in _NOTICE]
    rows = ("日期\t时间", f"周二至周五\t{draw.integer(8, 10)}:00 - {draw.integer(17, 19)}:00", f"周末\t{draw.integer(9, 11)}:30 - 16:00")
    return Article(f"{city}开放时间通知", (texts[0], Block("table", rows), *texts[1:]))
