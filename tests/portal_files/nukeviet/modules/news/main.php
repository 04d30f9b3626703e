<?php
// The newest articles, or one of them.
const SHOWN = "r.status = 1 AND r.publtime <= UNIX_TIMESTAMP() AND c.groups_view LIKE '%6%'";

if ($op === '') {
    $list = cached('news', function (): string {
        $found = rows('SELECT r.*, c.alias AS column_alias FROM nv4_vi_news_rows r JOIN nv4_vi_news_cat c USING (catid)'
            . ' WHERE ' . SHOWN . ' ORDER BY r.publtime DESC, r.id DESC LIMIT 20');
        return implode('', array_map(fn(array $it) => "<li><a href=\"/tin-tuc/{$it['column_alias']}/{$it['alias']}-{$it['id']}.html\">"
            . text($it['title']) . "</a> <p>{$it['hometext']}</p></li>", $found));
    });
    return ['title' => $config_global['site_name'], 'html' => "<h1>{$config_global['site_name']}</h1><ul>$list</ul>"];
}
$number = (int) (preg_match('/-(\d+)\.html$/', $op, $found) ? $found[1] : 0);
$article = rows('SELECT r.*, d.bodyhtml, d.files FROM nv4_vi_news_rows r JOIN nv4_vi_news_detail d USING (id)'
    . ' JOIN nv4_vi_news_cat c USING (catid) WHERE r.id = ? AND ' . SHOWN, [$number])[0] ?? not_there();
$db->execute_query('UPDATE nv4_vi_news_rows SET hitstotal = hitstotal + 1 WHERE id = ?', [$number]);
$html = '<h1>' . text($article['title']) . "</h1><p>{$article['hometext']}</p>{$article['bodyhtml']}";
return ['title' => text($article['title']), 'html' => "$html<p class=\"counter\">Đã xem: {$article['hitstotal']}</p>"];
